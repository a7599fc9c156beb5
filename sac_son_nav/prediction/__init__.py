"""Where people will go, with the robot acting as it means to and without it."""
