"""Tokenizers that are whole in tokenizer.json, and the check that says so."""
