"""Song records, import, and the bundled catalogue."""
