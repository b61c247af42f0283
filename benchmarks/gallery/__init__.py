"""`python -m benchmarks.gallery`: runs experiments as a user types them, and makes docs/gallery of what they leave."""
