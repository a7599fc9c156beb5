"""Who is around: people in single laser scans, followed through time in a fixed frame."""
