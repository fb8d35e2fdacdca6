"""Recipes: their schema, loading, overriding and arithmetic."""
