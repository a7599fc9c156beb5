"""Programs of skills: what may be written, and the process in which it runs."""
