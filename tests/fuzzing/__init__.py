"""Random right configurations, which must never be a mismatch, and random mutants, which must be found."""
