"""Two recorded runs, one of them of a user's own function, of which each test has copies to alter."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from runner import check
from tests.commands.submissions import RIGHT
from tests.sharing import common_folder

SMALL = ("architecture.hidden=[3]", "data.samples=6", "seed=1")
RUNS = {
    "plain": ("scratch", ()),
    "own": ("function", ("backend.function.path=my.py:backprop",)),
}
Alter = Callable[[dict[str, Any]], None]
"""Changes what config.yaml says."""


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    """The folder that the runs were started in: its store is store.db, their ids and folders stand in runs.json."""
    place = common_folder(tmp_path_factory, "security")
    with FileLock(place / "lock"):
        if not (place / "runs.json").exists():
            shutil.copy(migrated, place / "store.db")
            (place / "my.py").write_text(RIGHT, encoding="utf-8")
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(place)
                for name, (judged, overrides) in RUNS.items():
                    word = f"tracking.uri=sqlite:///{place / 'store.db'}"
                    check(judged, *SMALL, *overrides, word, against="torch", record=True)
                    (folder,) = (f.parent for f in place.glob("outputs/runs/*/*/verdict.json"))
                    folder.rename(place / name)
            (place / "runs.json").write_text(json.dumps(list(RUNS)), encoding="utf-8")
    return place


@pytest.fixture
def hostile(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the plain run, ``run``, in the current folder, to which ``evil.py`` lies beside: it makes ``ran``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    write_payload(tmp_path / "evil.py")
    return Path(shutil.copytree(recorded / "plain", tmp_path / "run"))


def write_payload(file: Path) -> None:
    """Python that leaves a file ``ran`` where it is imported or called."""
    file.parent.mkdir(parents=True, exist_ok=True)
    here = str(file.parents[0] / "ran")
    lines = ("from pathlib import Path", f"Path({here!r}).touch()", "class Payload: ...", "def run(*_): ...")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def altered(folder: Path, alter: Alter) -> Path:
    """The run, its config.yaml changed."""
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    alter(config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def leaf(key: str, value: object) -> Alter:
    """Sets a dotted key, and makes the mappings above it."""

    def alter(config: dict[str, Any]) -> None:
        *above, last = key.split(".")
        node = config
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value

    return alter


def has_run(place: Path) -> bool:
    """Whether a payload below ``place`` has left its file."""
    return any(place.rglob("ran"))
