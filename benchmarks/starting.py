"""What it costs to start: processor time of a process, against the least that Hydra takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.timing import Line, ratio
from runner.paths import CONF

ROUNDS = 15
EMPTY = """
import hydra

@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg):
    pass

main()
"""


def starting() -> Iterator[Line]:
    """Of processes that are run in turn, with Hydra's files already in the system's cache."""
    with TemporaryDirectory(prefix="starting-") as folder:
        _lay_out(Path(folder))
        runner = [sys.executable, "-m", "runner"]
        pairs = {
            "--cfg job": ([*runner, "--cfg", "job"], [sys.executable, "-c", "import hydra"], "import hydra"),
            "--help": ([*runner, "--help"], [sys.executable, "empty.py", "--help"], "an empty program"),
        }
        for name, (ours, theirs, peer) in pairs.items():
            times = np.array([[_seconds(words, folder) for words in (ours, theirs)] for _ in range(ROUNDS + 1)])[1:]
            mine, floor = np.median(times, axis=0)
            yield Line(name, {f"over {peer}": ratio(*times.T)}, {"runner": float(mine), peer: float(floor)})


def _seconds(words: Sequence[str], folder: str) -> float:
    """Processor time of a process, its start and end in it."""
    before = os.times()
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(CONF.parent), os.environ.get("PYTHONPATH")]))}
    subprocess.run(words, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


def _lay_out(folder: Path) -> None:
    """A program that does nothing, with as many choices as ours in as many groups."""
    (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
    for file in CONF.rglob("*.yaml"):
        copy = folder / "conf" / file.relative_to(CONF)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("{}\n", encoding="utf-8")
