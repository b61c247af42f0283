"""docs/performance.md, made of what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.tables import TABLES, Table
from benchmarks.timing import ROUNDS

HEAD = """\
# Performance

Every figure is a ratio of two things that were timed in turn, in one process (or in paired ones), on one core with one
thread: the median of {rounds} rounds (fewer where a round takes seconds), and between which values 80 % of them
lie. Made by

    make bench                                              # measures; a table alone: python -m benchmarks TABLE
    python -m benchmarks --write docs/performance.md        # writes this page of the newest measurements

on {cpu}, {blas}, torch {torch}. A ratio differs from machine to machine, mostly by the kernels of matrix products.
Where there is a goal it stands beside the ratio, and where it was not reached the text says where the time goes.

`make bench` takes some twenty minutes and, for `peak_memory`, 5 GB of disk. Two more have targets of their own:
`make growth` (runs of up to 100,000 steps and 300 layers, sweeps of up to 1000 jobs; a quarter of an hour) and
`make memory STEPS=10000` (the peak memory of a run that keeps every gradient of 784-1024-1024-10: 15 MB a step on disk,
refused where there is no room for it).
"""


def found_tables(folder: Path) -> dict[str, Any]:
    """Each table's newest measurement in the folder's JSON files, why others were skipped, the last environment."""
    found: dict[str, Any] = {"tables": {}, "skipped": {}, "environment": {}}
    for file in sorted(folder.glob("*.json")):
        measured = json.loads(file.read_text(encoding="utf-8"))
        if "tables" in measured:
            found["tables"] |= measured["tables"]
            found["skipped"] |= measured.get("skipped", {})
            found["environment"] = measured["environment"]
    return found


def document(measured: Mapping[str, Any]) -> str:
    """The whole page; a table that was not measured is left out, or said to have been skipped if it was."""
    known = measured["environment"]
    blas, torch = ", ".join(known["blas"]), known["packages"]["torch"]
    parts = [HEAD.format(rounds=ROUNDS, cpu=known["cpu"], blas=blas, torch=torch)]
    for name, table in TABLES.items():
        above = [f"## {table.heading}\n", table.note, "", f"    python -m benchmarks {name}\n"]
        if name in measured["tables"]:
            lines = measured["tables"][name]
            short = ["", table.short] if table.short and _falls_short(table, lines) else []
            parts.append("\n".join([*above, *_rows(table, lines), *short, ""]))
        elif name in measured["skipped"]:
            parts.append("\n".join([*above, f"Skipped on that machine: {measured['skipped'][name]}.", ""]))
    return "\n".join(parts)


def _falls_short(table: Table, lines: list[dict[str, Any]]) -> bool:
    """Whether a goal was not reached."""
    found = ((table.goal_of(line["name"], name), ratio) for line in lines for name, ratio in line["ratios"].items())
    return any(goal is not None and not goal.met(ratio["median"]) for goal, ratio in found)


def _rows(table: Table, lines: list[dict[str, Any]]) -> list[str]:
    ratios = list(dict.fromkeys(name for line in lines for name in line["ratios"]))
    figures = list(dict.fromkeys(name for line in lines for name in line["figures"]))
    head = ["", *ratios, *(f"{name}, us" for name in figures)]
    rows = [_row(head), _row(["---", *("---:" for _ in head[1:])])]
    for line in lines:
        told = [_ratio(table, line, name) for name in ratios]
        rows.append(_row([line["name"], *told, *(_microseconds(line["figures"].get(name)) for name in figures)]))
    return rows


def _ratio(table: Table, line: Mapping[str, Any], name: str) -> str:
    ratio = line["ratios"].get(name)
    if ratio is None:
        return "-"
    goal = table.goal_of(line["name"], name)
    told = f"{ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
    return told if goal is None else f"{told}; goal {goal}{'' if goal.met(ratio['median']) else ': not reached'}"


def _microseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e6:.1f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
