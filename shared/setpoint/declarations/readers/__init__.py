"""Readers of declarations: files become documents, documents become declarations, and what is wrong is said."""
