"""A folder to run in, and what every engine's job is held against."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sharing import furnish


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    """A folder of one test's own, with a migrated store."""
    folder = tmp_path / "place"
    furnish(folder, migrated)
    return folder
