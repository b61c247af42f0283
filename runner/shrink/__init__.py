"""Of a run that is a mismatch, a smaller one that fails the same way."""
