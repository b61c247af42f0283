"""What is built and installed once for all tests of this folder and all workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

from tests.sharing import common_folder

from .installed import ROOT, Environment, build, copy_sources


@dataclass(frozen=True)
class Built:
    sources: Path
    archive: Path
    wheel: Path


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return common_folder(tmp_path_factory, "packaging")


@pytest.fixture(scope="session")
def built(common: Path) -> Built:
    """A source archive and a wheel, made from a copy of the tracked files."""
    sources, output = common / "sources", common / "dist"
    with FileLock(common / "build.lock"):
        if not output.exists():
            copy_sources(sources)
            build(sources, output)
    (archive,), (wheel,) = output.glob("*.tar.gz"), output.glob("*.whl")
    return Built(sources, archive, wheel)


@pytest.fixture(scope="session")
def whole_environment(common: Path, built: Built) -> Environment:
    """A new environment with the wheel and the pinned versions of all that it needs."""
    made = Environment(common / "venv")
    with FileLock(common / "venv.lock"):
        if not (common / "venv.ready").exists():
            made.create()
            made.pip("install", "--no-compile", "-c", str(ROOT / "constraints.txt"), str(built.wheel))
            (made.folder / "holds.txt").write_text(str(built.wheel), encoding="utf-8")
            (common / "venv.ready").touch()
    return made


@pytest.fixture
def environment(common: Path, whole_environment: Environment) -> Iterator[Environment]:
    """The environment, this test's alone while it installs one thing or another into it and runs it."""
    with FileLock(common / "venv.lock"):
        yield whole_environment
