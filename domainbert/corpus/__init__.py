"""From source files to a token store."""
