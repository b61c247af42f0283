"""What all workers of one session of tests share, made by the first that needs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def common_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """The folder of that name, the same for all workers."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    return folder


def furnish(folder: Path, store: Path) -> None:
    """Puts a copy of the migrated store where the program, started in ``folder``, looks for it."""
    (folder / "outputs").mkdir(parents=True)
    shutil.copy(store, folder / "outputs" / "mlflow.db")
