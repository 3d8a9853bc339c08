"""The catalogue: what Google's API schemas say of each field, method and resource name."""
