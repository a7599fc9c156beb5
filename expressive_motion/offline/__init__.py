"""The language model that needs no network."""
