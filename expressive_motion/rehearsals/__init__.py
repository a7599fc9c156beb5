"""A program in imagined scenes, before any robot performs it."""
