"""`python -m benchmarks [TABLE ...] [--write FILE]`: measures, prints, and writes outputs/bench/TIME.json.

With ``--write`` nothing is measured: FILE is made of the newest measurement of each table.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.document import document, found_tables
from benchmarks.tables import TABLES, Table
from benchmarks.timing import Line, pin

FOLDER = Path("outputs/bench")


def main(arguments: Sequence[str]) -> int:
    """One core, one thread; every ratio is one of two things measured in turn."""
    if "--write" in arguments:
        (file,) = (word for word in arguments if word != "--write")
        Path(file).write_text(document(found_tables(FOLDER)), encoding="utf-8")
        return 0
    if {"-h", "--help"} & set(arguments):
        print("\n".join([str(__doc__), *(f"  {name:<15}{table.heading}" for name, table in TABLES.items())]))
        return 0
    if set(arguments) - set(TABLES):
        print(f"TABLE: got {' '.join(arguments)}; allowed: {', '.join(TABLES)}", file=sys.stderr)
        return 2
    import torch
    from threadpoolctl import threadpool_limits

    from runner.records.environment import environment

    pin()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        names = arguments or [name for name, table in TABLES.items() if not table.long]
        skipped = {name: why for name in names if (why := TABLES[name].why_not())}
        measured = {name: _measured(TABLES[name]) for name in names if name not in skipped}
    for name, why in skipped.items():
        print(f"\n{TABLES[name].heading}: skipped: {why}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    found = {"environment": environment(1, []), "tables": measured, "skipped": skipped}
    text = json.dumps(found, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"\nwritten to {path}")
    return 0


def _measured(table: Table) -> list[dict[str, Any]]:
    print(f"\n{table.heading}: {table.note}\n(median of alternating rounds, 10 to 90 % of them)\n")
    lines = []
    for line in table.lines():
        print(_told(table, line), flush=True)
        lines.append(asdict(line))
    return lines


def _told(table: Table, line: Line) -> str:
    told = [line.name]
    for name, ratio in line.ratios.items():
        goal = table.goal_of(line.name, name)
        mark = "" if goal is None else f"   goal {goal}: {'reached' if goal.met(ratio.median) else 'not reached'}"
        told.append(f"    {name:<28}{ratio.median:>8.2f}   ({ratio.low:.2f} to {ratio.high:.2f}){mark}")
    figures = ", ".join(f"{name} {seconds * 1e6:.1f} us" for name, seconds in line.figures.items())
    return "\n".join([*told, *([f"    {figures}"] if figures else [])])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
