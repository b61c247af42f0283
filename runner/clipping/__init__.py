"""The ways to clip gradients, one file each."""
