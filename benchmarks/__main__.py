"""`python -m benchmarks [TABLE ...]`: prints the tables, and writes them to outputs/bench as JSON."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from benchmarks.layers import layer_steps
from benchmarks.steps import training_steps
from benchmarks.timing import ROUNDS, Ratio, pin
from benchmarks.verdict import against_gradcheck, judged_steps
from runner.records.environment import environment

FOLDER = Path("outputs/bench")


def main() -> None:
    """One core, one thread; every row is a ratio of two things measured in turn."""
    chosen = sys.argv[1:]
    if set(chosen) - set(TABLES):
        sys.exit(f"benchmarks: got {' '.join(chosen)}; allowed: {', '.join(TABLES)}")
    pin()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        tables = {name: table() for name, table in TABLES.items() if not chosen or name in chosen}
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    text = json.dumps({"environment": environment(1, []), **tables}, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")


def _training() -> list[dict[str, Any]]:
    rows = []
    print("training step, float32, one core, one thread: how many times as fast as torch eager")
    print(f"(median of {ROUNDS} alternating rounds; 10 to 90 %; `products` are the matrix products alone)\n")
    print(f"{'net':<34}{'scratch':>9}{'10 to 90 %':>17}{'products':>10}{'scratch':>13}{'torch':>13}")
    for row in training_steps():
        times = f"{row.seconds_scratch * 1e6:>10.1f} us{row.seconds_torch * 1e6:>10.1f} us"
        print(f"{row.net:<34}{_figures(row.scratch)}{row.products.median:>10.2f}{times}", flush=True)
        rows.append(asdict(row))
    return rows


def _judged() -> list[dict[str, Any]]:
    rows = []
    print(
        "\njudged step: how many times as long as an unjudged one of both backends; the other looks in judged steps\n"
    )
    print(f"{'net':<34}{'judged':>9}{'10 to 90 %':>17}{'second look':>13}{'third look':>12}{'unjudged':>13}")
    for row in judged_steps():
        looks = f"{row.second_look.median:>13.2f}{row.third_look.median:>12.2f}"
        print(f"{row.net:<34}{_figures(row.judged)}{looks}{row.seconds_unjudged * 1e6:>10.1f} us", flush=True)
        rows.append(asdict(row))
    return rows


def _gradcheck() -> list[dict[str, Any]]:
    rows = []
    print("\ntorch.autograd.gradcheck on one step: how many times as long as the verdict on it\n")
    print(f"{'net':<34}{'slow mode':>9}{'10 to 90 %':>17}{'fast mode':>10}{'10 to 90 %':>17}{'verdict':>13}")
    for row in against_gradcheck():
        print(f"{row.net:<34}{_figures(row.slow)}{_figures(row.fast)}{row.seconds_verdict * 1e6:>11.1f} us", flush=True)
        rows.append(asdict(row))
    return rows


def _layers() -> list[dict[str, Any]]:
    rows = []
    print("\neach layer's forward and backward, float32, one core, one thread: scratch's time over torch's\n")
    spread, torchs = f"{'10 to 90 %':>17}", f"{'torch, small':>15}{'torch, large':>15}"
    print(f"{'layer':<22}{'small':>9}{spread}{'large':>9}{spread}{torchs}")
    for row in layer_steps():
        times = "".join(f"{seconds * 1e6:>12.1f} us" for seconds in row.seconds_torch)
        print(f"{row.layer:<22}{_figures(row.small)}{_figures(row.large)}{times}", flush=True)
        rows.append(asdict(row))
    return rows


def _figures(r: Ratio) -> str:
    spread = f"{r.low:.2f} to {r.high:.2f}"
    return f"{r.median:>9.2f}{spread:>17}"


TABLES = {"training_step": _training, "judged_step": _judged, "gradcheck": _gradcheck, "layers": _layers}

if __name__ == "__main__":
    main()
