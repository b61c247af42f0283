"""Processes of an engine that runs already: they were started elsewhere, and work where the sweep was started."""

from __future__ import annotations

import os

FOLDER = "RUNNER_WORKS_IN"


def enter() -> None:
    """Goes to the folder that the environment names: relative paths in a configuration mean it."""
    os.chdir(os.environ[FOLDER])
