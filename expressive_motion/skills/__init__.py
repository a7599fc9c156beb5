"""What a robot can express: the controllers of its skills, and the performance that calls them."""
