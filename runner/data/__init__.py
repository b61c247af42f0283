"""Where samples and targets come from."""
