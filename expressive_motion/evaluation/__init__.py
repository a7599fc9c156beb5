"""How often it goes wrong: figures of programs, of instructions set aside, and of social intuitions."""
