"""The report on what was drawn, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor, log10

import numpy as np

from runner.comparison.constants import LIMIT
from tests.fuzzing.judge import Row

LAST_DECADE = 16
FOUND = ("mismatch", "imprecise", "undecided", "diverged")


def report(right: Sequence[Row], mutants: Sequence[Row]) -> str:
    """Both parts, as far as there are rows."""
    return "\n".join([*(_of_right(right) if right else []), *(_of_mutants(mutants) if mutants else [])]) + "\n"


def missed(mutants: Sequence[Row]) -> list[Row]:
    """Mutants that move some element by 30 roundings and are acquitted."""
    return [row for row in mutants if row["moved"] > LIMIT and row["verdict"] not in FOUND]


def _of_right(rows: Sequence[Row]) -> list[str]:
    seeds = f"seeds {min(r['seed'] for r in rows)} to {max(r['seed'] for r in rows)}"
    lines = [f"Right configurations: {len(rows)} ({seeds}).", "", "| Verdict | float32 | float64 |", "|---|---|---|"]
    counts = Counter((r["verdict"], r["dtype"]) for r in rows)
    for verdict in ("agree", *FOUND):
        lines.append(f"| `{verdict}` | {counts[verdict, 'float32']} | {counts[verdict, 'float64']} |")
    lines += [
        "",
        "| Last look at the logic | Cases | Median roundings | 90 % | 99 % | Largest |",
        "|---|---|---|---|---|---|",
    ]
    for look in (1, 2, 3):
        values = [r["logic"] for r in rows if r["logic_look"] == look]
        if values:
            figures = [*np.quantile(values, [0.5, 0.9, 0.99]), max(values)]
            lines.append(f"| {look} | {len(values)} | " + " | ".join(f"{v:.2g}" for v in figures) + " |")
    lines += ["", *(f"- seed {r['seed']}: `{r['verdict']}`: {r['finding']}" for r in rows if r["verdict"] != "agree")]
    return lines


def _of_mutants(rows: Sequence[Row]) -> list[str]:
    moving = [r for r in rows if r["moved"] > LIMIT]
    head = f"Mutants: {len(rows)}, of which {len(rows) - len(moving)} move no element by {LIMIT:.0f} roundings."
    lines = [
        "",
        head,
        "",
        "| Family | Moving | `mismatch` | `imprecise` | Other | Missed | Below 30 |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in sorted({r["family"] for r in rows}):
        below = sum(r["family"] == family and r["moved"] <= LIMIT for r in rows)
        lines.append(_counts(f"{family}", [r for r in moving if r["family"] == family], str(below)))
    lines += [
        "",
        "| Roundings moved | Moving | `mismatch` | `imprecise` | Other | Missed |",
        "|---|---|---|---|---|---|",
    ]
    decades: dict[int, list[Row]] = {}
    for row in moving:
        decades.setdefault(floor(log10(min(row["moved"], 10.0**LAST_DECADE))), []).append(row)
    named = {decade: f"1e{decade}{' and more' if decade == LAST_DECADE else ''}" for decade in decades}
    return lines + [_counts(named[decade], decades[decade]) for decade in sorted(decades)]


def _counts(label: str, rows: Sequence[Row], *more: str) -> str:
    counts = Counter(r["verdict"] for r in rows)
    other = counts["undecided"] + counts["diverged"]
    cells = [len(rows), counts["mismatch"], counts["imprecise"], other, len(missed(rows)), *more]
    return f"| {label} | " + " | ".join(map(str, cells)) + " |"
