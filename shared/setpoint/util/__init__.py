"""Helpers that know nothing of drift."""
