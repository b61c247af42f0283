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
VERDICTS = ("agree", *FOUND)
LOOKS = {"logic": (1, 2, 3), "precision": (1, 2)}


def report(right: Sequence[Row], mutants: Sequence[Row]) -> str:
    """Both parts, as far as there are rows."""
    return "\n".join([*(_of_right(right) if right else []), *(_of_mutants(mutants) if mutants else [])]) + "\n"


def missed(mutants: Sequence[Row]) -> list[Row]:
    """Mutants that move some element by 30 roundings and are acquitted."""
    return [row for row in mutants if row["moved"] > LIMIT and row["verdict"] not in FOUND]


def _of_right(rows: Sequence[Row]) -> list[str]:
    seeds = f"seeds {min(r['seed'] for r in rows)} to {max(r['seed'] for r in rows)}"
    lines = [f"Right configurations: {len(rows)} ({seeds})."]
    for key in ("kind", "dtype", "loss", "optimizer", "schedule", "clip"):
        lines += ["", *_by(key, rows)]
    lines += ["", *_by_look(rows), ""]
    return lines + [_finding(r) for r in rows if r["verdict"] != "agree"]


def _by(key: str, rows: Sequence[Row]) -> list[str]:
    """How many of each were judged, and what was found."""
    counts = Counter((r[key], r["verdict"]) for r in rows)
    head = f"| {key.capitalize()} | Judged | {' | '.join(f'`{v}`' for v in VERDICTS)} |"
    lines = [head, "|---" * (len(VERDICTS) + 2) + "|"]
    for value in sorted({r[key] for r in rows}):
        cells = [counts[value, verdict] for verdict in VERDICTS]
        lines.append(f"| `{value}` | {sum(cells)} | {' | '.join(map(str, cells))} |")
    return lines


def _by_look(rows: Sequence[Row]) -> list[str]:
    """How far right results are apart in the last look that was taken, a step or an update each."""
    lines = [
        "| Question | Last look | Steps or updates | Median roundings | 90 % | 99 % | Largest |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in ("gradients", "updates"):
        for question, looks in LOOKS.items():
            for look in looks:
                found = [c[question] for r in rows for c in r[part] if c[f"{question}_look"] == look]
                if found:
                    figures = [*np.quantile(found, [0.5, 0.9, 0.99]), max(found)]
                    told = " | ".join(f"{v:.2g}" for v in figures)
                    lines.append(f"| {question} of {part} | {look} | {len(found)} | {told} |")
    return lines


def _finding(row: Row) -> str:
    names = ", ".join(row["suspects"][:3]) + (", ..." if len(row["suspects"]) > 3 else "")
    words = "; ".join(filter(None, [*row["findings"], names]))
    return f"- seed {row['seed']} ({row['kind']}, {row['dtype']}): `{row['verdict']}`: {words}"


def _of_mutants(rows: Sequence[Row]) -> list[str]:
    moving = [r for r in rows if r["moved"] > LIMIT]
    head = f"Mutants: {len(rows)}, of which {len(rows) - len(moving)} move no element by {LIMIT:.0f} roundings."
    lines = ["", head]
    for key in ("family", "kind", "loss"):
        lines += ["", *_head(key.capitalize(), "Below 30")]
        for value in sorted({r[key] for r in rows}):
            below = sum(r[key] == value and r["moved"] <= LIMIT for r in rows)
            lines.append(_counts(value, [r for r in moving if r[key] == value], str(below)))
    lines += ["", *_head("Roundings moved")]
    decades: dict[int, list[Row]] = {}
    for row in moving:
        decades.setdefault(floor(log10(min(row["moved"], 10.0**LAST_DECADE))), []).append(row)
    named = {decade: f"1e{decade}{' and more' if decade == LAST_DECADE else ''}" for decade in decades}
    return lines + [_counts(named[decade], decades[decade]) for decade in sorted(decades)]


def _head(*labels: str) -> list[str]:
    columns = [labels[0], "Moving", "`mismatch`", "`imprecise`", "Other", "Missed", *labels[1:]]
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def _counts(label: str, rows: Sequence[Row], *more: str) -> str:
    counts = Counter(r["verdict"] for r in rows)
    other = counts["undecided"] + counts["diverged"]
    cells = [len(rows), counts["mismatch"], counts["imprecise"], other, len(missed(rows)), *more]
    return f"| {label} | " + " | ".join(map(str, cells)) + " |"
