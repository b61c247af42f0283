"""A block of a page, typed as its reader would type it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.process import Finished, finish, shell_environment


def typed(folder: Path, text: str, shell: str = "-c") -> Finished:
    """Runs the text by a shell; ``shell`` are its flags."""
    return finish(folder, ["/bin/sh", shell, text], shell_environment())
