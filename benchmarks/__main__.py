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
    print("training step, float32, one core, one thread: how many times as fast as torch eager")
    print(f"(median of {ROUNDS} alternating rounds; 10 to 90 %; `products` are the matrix products alone)\n")
    print(f"{'net':<34}{'scratch':>9}{'10 to 90 %':>17}{'products':>10}{'scratch':>13}{'torch':>13}")
    with threadpool_limits(1):
        for row in training_steps():
            r = row.scratch
            spread = f"{r.low:.2f} to {r.high:.2f}"
            times = f"{row.seconds_scratch * 1e6:>10.1f} us{row.seconds_torch * 1e6:>10.1f} us"
            print(f"{row.net:<34}{r.median:>9.2f}{spread:>17}{row.products.median:>10.2f}{times}", flush=True)
            rows.append(asdict(row))
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(
        json.dumps({"environment": environment(1), "training_step": rows}, indent=2) + "\n", encoding="utf-8"
    )
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
