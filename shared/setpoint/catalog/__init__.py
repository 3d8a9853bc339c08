"""The catalogue: what Google's API schemas state about each field, method and resource name."""
