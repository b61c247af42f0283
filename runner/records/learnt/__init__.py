"""What a network makes of its samples, and of the points between them, with its last parameters."""
