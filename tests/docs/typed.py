"""A block of a page, typed as its reader would type it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.cli.process import Finished, finish


def typed(folder: Path, text: str, shell: str = "-c") -> Finished:
    """Runs the text by a shell, with the programs of this Python; ``shell`` are its flags."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return finish(folder, ["/bin/sh", shell, text], os.environ | {"PATH": path})
