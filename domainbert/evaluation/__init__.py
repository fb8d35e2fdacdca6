"""What a model knows, beside what counting knows."""
