"""Photo bytes to upright RGB."""
