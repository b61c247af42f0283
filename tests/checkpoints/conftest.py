"""A folder to run in."""

from pathlib import Path

import pytest

from tests.sharing import furnish


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    """A folder of one test's own, with a migrated store."""
    folder = tmp_path / "place"
    furnish(folder, migrated)
    return folder
