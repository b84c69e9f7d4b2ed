"""The emotion of a face."""
