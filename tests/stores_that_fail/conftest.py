"""One tracking server for all tests here, each behind a network of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.tracking import small
from tests.sharing import furnish

from .network import Network


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[str]:
    """The address of a server that nothing happens to."""
    with small(tmp_path_factory.mktemp("tracking") / "server", migrated) as uri:
        yield uri


@pytest.fixture
def network(server: str) -> Iterator[Network]:
    """Between a test's runs and the server."""
    made = Network(server)
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path, migrated: Path) -> Path:
    """A folder of one test's own, with a migrated store."""
    folder = tmp_path / "place"
    furnish(folder, migrated)
    return folder
