"""Labelled tasks: how well an encoder's vectors serve, beside what trivial methods reach, and what is wrong with the data."""
