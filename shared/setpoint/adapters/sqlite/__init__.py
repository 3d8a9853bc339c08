"""The embedded backend: one SQLite file that threads and processes share."""
