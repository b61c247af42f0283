"""docs/data.md: every choice stands there, and every command in it describes a run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.data.helpers import every
from tests.helpers import make_setup

DOCUMENT = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
COMMANDS = [line for line in re.findall(r"python -m runner ([^`\n]+)", DOCUMENT) if not line.startswith("--")]


def test_every_choice_is_described() -> None:
    for group in ("data", "target"):
        missing = [name for name in every(group) if f"`{name}`" not in DOCUMENT and f"{group}={name} " not in DOCUMENT]
        assert not missing


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_describes_a_run(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flowers = pd.DataFrame({"width": [1.0, 2.0, 4.0], "height": [3.0, 1.0, 1.5], "kind": ["rose", "lily", "rose"]})
    flowers.to_csv("flowers.csv", index=False)
    flowers.to_parquet("flowers.parquet")
    np.save("table.npy", np.arange(12.0).reshape(4, 3) ** 2)
    np.savez("arrays.npz", x=np.eye(3), y=np.arange(3.0))
    np.savez("sequences.npz", x=np.arange(12).reshape(4, 3) % 5, y=np.arange(4) % 2)
    setup = make_setup(*shlex.split(command))
    assert len(setup.x) == len(setup.y)
    assert np.isfinite(setup.x).all()
