"""What is kept of a run, and what is shown of it."""
