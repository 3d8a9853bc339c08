"""Declarations: reading them from files, and bringing the store in step with them."""
