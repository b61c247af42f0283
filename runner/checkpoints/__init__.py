"""Going on where a run was broken off: what it carries, its file, and the way back in."""
