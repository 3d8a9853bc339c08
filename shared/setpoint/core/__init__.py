"""Pure functions and values: what a resource is, how it differs, and what follows from that. No I/O."""
