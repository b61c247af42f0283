"""Named mistakes: each computes, from the library's own activations and deltas, what it would make of the gradients."""
