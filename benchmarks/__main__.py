"""`python -m benchmarks`: prints the table, and writes it to outputs/bench as JSON."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from benchmarks.steps import training_steps
from benchmarks.timing import ROUNDS, pin
from runner.records.environment import environment

FOLDER = Path("outputs/bench")


def main() -> None:
    """One core, one thread; every row is a ratio of two things measured in turn."""
    pin()
    torch.set_num_threads(1)
    rows = []
    print(f"training step, float32, one thread: scratch against torch eager ({ROUNDS} alternating rounds)\n")
    print(f"{'net':<34}{'times as fast':>14}{'10 to 90 %':>18}{'scratch':>14}{'torch':>14}")
    with threadpool_limits(1):
        for net, r in training_steps():
            spread = f"{r.low:.2f} to {r.high:.2f}"
            times = f"{r.ours * 1e6:>11.1f} us{r.peer * 1e6:>11.1f} us"
            print(f"{net.name:<34}{r.median:>14.2f}{spread:>18}{times}", flush=True)
            rows.append({"row": "training step", "net": net.name, **asdict(r)})
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps({"environment": environment(1), "rows": rows}, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
