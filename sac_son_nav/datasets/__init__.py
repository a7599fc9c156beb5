"""Recordings as the core's own types, read without ROS."""
