"""Comparison: compare a declaration with an observation, field by field and by meaning."""
