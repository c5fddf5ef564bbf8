"""The language of searches: what people write, as a tree."""
