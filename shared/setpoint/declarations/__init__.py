"""Declarations: read them from files, and apply them to the store."""
