"""Someone means it: from words to a typed proposal."""
