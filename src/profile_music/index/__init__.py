"""The on-disk catalogue and its search."""
