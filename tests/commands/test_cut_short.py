"""A file of a recorded run cut short: each command that reads it says so in one line that names it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from runner.commands import run_command

from .recorded import Store

COMMANDS = {
    "report": ["report", "copy"],
    "replay": ["replay", "copy"],
    "compare": ["compare", "copy", "whole"],
    "export": ["export", "copy", "gradients.npz"],
}
READ_BY = {
    "verdict.json": ("report", "replay", "compare", "export"),
    "config.yaml": ("report", "replay", "compare", "export"),
    "gradients.safetensors": ("report", "replay", "compare", "export"),
    "parameters.safetensors": ("report", "replay", "compare", "export"),
    "deviations.parquet": ("report", "replay", "compare"),
    "environment.json": ("report", "replay", "compare"),
    "roundings.safetensors": ("report",),
    "trajectories.safetensors": ("report",),
}


@pytest.mark.parametrize("file", READ_BY)
def test_a_file_that_is_cut_short_is_told(
    file: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("copy", "whole"):
        shutil.copytree(store["plain"].folder, name)
    content = (tmp_path / "copy" / file).read_bytes()
    for length in (0, len(content) // 2):
        (tmp_path / "copy" / file).write_bytes(content[:length])
        for command in READ_BY[file]:
            code = run_command(COMMANDS[command])
            err = capsys.readouterr().err
            assert code in (2, 3), (command, length)
            assert err.startswith("runner: "), (command, length, err)
            assert err.count("\n") == 1, (command, length, err)
            assert file in err, (command, length, err)
    assert not Path("gradients.npz").exists()
