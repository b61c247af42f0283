"""Initial parameters, one law a file."""
