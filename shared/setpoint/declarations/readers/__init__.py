"""Readers of declarations: parse files to documents and documents to declarations, and report errors."""
