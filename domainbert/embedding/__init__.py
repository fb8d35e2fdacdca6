"""Vectors of texts: what an encoder is used for once it is trained."""
