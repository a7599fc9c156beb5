"""Training: the one room that needs torch."""
