"""Runs that differ in their seed alone, trained and judged at once: every array has an axis of replicas in front."""
