"""Comparison: a declaration and an observation, field by field and by meaning."""
