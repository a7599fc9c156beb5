"""Socially unobtrusive navigation: move so that people walk as they would have walked."""

__version__ = "0.1.0"
