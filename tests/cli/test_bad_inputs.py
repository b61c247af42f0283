"""A wrong configuration or file: exit code 2, one line that names the key and what is allowed, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from .bad_choices import CHOICES, COMMAND_LINE, CONFIG_DIR, FILES, TRACKING, write_bad_files
from .bad_values import NULLS, OUT_OF_RANGE, SHAPES, UNKNOWN_KEYS, WRONG_TYPES, Bad
from .process import run, tree

ROWS = [
    *(UNKNOWN_KEYS + WRONG_TYPES + NULLS + OUT_OF_RANGE + SHAPES),
    *(CHOICES + COMMAND_LINE + TRACKING + FILES + CONFIG_DIR),
]


@pytest.mark.parametrize("bad", ROWS, ids=[" ".join(row.args)[:70] for row in ROWS])
def test_a_bad_input_is_told_in_one_line_and_leaves_nothing_behind(bad: Bad, tmp_path: Path) -> None:
    write_bad_files(tmp_path)
    before = tree(tmp_path)
    finished = run(tmp_path, *bad.args)
    assert finished.code == 2, finished.err
    assert finished.out == ""
    assert finished.err.count("\n") == 1, finished.err
    assert finished.err.endswith("\n")
    line = finished.err.rstrip("\n")
    assert line.startswith(f"runner: {bad.key}"), line
    assert not bad.key or line[len(f"runner: {bad.key}") :][:1] in (":", "[", "."), line
    assert bad.word in line, line
    assert "got" in line, line
    assert "allowed" in line, line
    assert "Traceback" not in line
    assert tree(tmp_path) == before
