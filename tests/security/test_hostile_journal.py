"""A run folder from anybody, whose journal would have `sync` send files that are none of the run's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.commands.sync import sync
from runner.errors import ConfigError

NAMED = ("../secret", "/etc/hostname", "plots/../../secret")


def write_journal(folder: Path, entry: dict[str, str]) -> None:
    made = {
        "uri": f"sqlite:///{folder.parent / 'store.db'}",
        "experiment": "e",
        "name": "n",
        "tags": {},
        "start_time": 1,
    }
    lines = [{"journal": 1, **made, "run_id": None, "nested": False}, entry]
    folder.mkdir()
    (folder / "mlflow.journal").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize(("do", "key"), [("artifact", "file"), ("model", "folder")])
def test_a_file_outside_is_not_sent(do: str, key: str, named: str, tmp_path: Path) -> None:
    write_journal(tmp_path / "run", {"do": do, key: named})
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    with pytest.raises(ConfigError, match="a journal of files in its own folder"):
        sync([str(tmp_path / "run")])
    assert not (tmp_path / "store.db").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    write_journal(tmp_path / "run", {"do": "artifact", "file": "plots/loss.png"})
    (tmp_path / "run" / "plots").symlink_to("/etc")
    with pytest.raises(ConfigError, match="a symbolic link"):
        sync([str(tmp_path / "run")])
    assert not (tmp_path / "store.db").exists()
