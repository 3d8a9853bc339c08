"""The model: the nouns that every capability shares. Values and pure functions, no I/O."""
