"""Expressive motion on the ROS graph."""
