"""Generative expressive motion: from an instruction or a social event to a gesture of the robot's body."""
