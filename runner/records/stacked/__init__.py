"""What is kept of a stack of runs."""
