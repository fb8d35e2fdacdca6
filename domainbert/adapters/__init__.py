"""Domains: one adapter each, and the registry that finds them."""
