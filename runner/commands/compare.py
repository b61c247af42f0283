"""`python -m runner compare RUN RUN`: what two recorded runs were set to, and how far they are apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.text import Text

from runner.commands.differences import Difference, difference_table, differences, measure
from runner.commands.locate import RUN_HELP, Found, found_run, parse_words
from runner.comparison.constants import LIMIT
from runner.errors import AGREE, DISAGREE, ConfigError
from runner.records.console import open_console, plain_table
from runner.records.pending import flatten
from runner.records.reading import RecordedRun
from runner.records.words import number

if TYPE_CHECKING:
    from rich.table import Table

USAGE = f"""\
python -m runner compare RUN RUN [tracking.uri=URI]

Prints what differs in the configurations of two recorded runs; their verdicts, worst roundings, losses and accuracies;
and, for the backends and the recorded steps that both have, how far each loss and gradient of the second lies from the
first's: absolutely, and in roundings. One rounding is a run's own sigma of that tensor and step (of the step before it
that was judged, where it was not) plus the unit roundoff of the value: that of the run in the coarser dtype or, in one
dtype, the larger of both. So it does not matter which run is named first.

A difference is another verdict, a loss or gradient that is more than {LIMIT:g} roundings away, a value that is finite
in one run alone, and a tensor that one run lacks or has in another shape. What differs in the configuration alone is
none, nor is a step or a backend that one run alone has.

{RUN_HELP}

Exit code: 0 no difference beyond rounding, 1 a difference, 2 no such run or bad input, 3 could not finish."""


def compare(argv: list[str]) -> int:
    """Compares the two runs that ``argv`` names.

    Raises:
        ConfigError: There is no such run, it cannot be read, or the two have nothing in common.
        RunError: The store cannot be reached.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    words, uri = parse_words("compare", argv, ["RUN", "RUN"])
    with ExitStack() as stack:
        one, other = (stack.enter_context(found_run(word, uri)) for word in words)
        _check_comparable(one, other)
        found = differences(one.run, other.run)
        console = open_console()
        for which, run in (("first", one), ("second", other)):
            console.print(Text(f"{which:<8}{run.label}"), *map(Text, run.notes), sep="\n")
        for table in (_settings(one.run, other.run), _figures(one.run, other.run), difference_table(found)):
            if table is not None:
                console.print()
                console.print(table)
        console.print(Text(measure(one.run, other.run)))
        different = _different(one.run, other.run, found)
    console.print()
    console.print(Text(different or _same(found), "bold red" if different else "bold green"))
    return DISAGREE if different else AGREE


def _check_comparable(one: Found, other: Found) -> None:
    if not set(one.run.backends) & set(other.run.backends):
        names = " and ".join(", ".join(found.run.backends) for found in (one, other))
        raise ConfigError("RUN", f"runs of {names}", "two runs with a backend of one name")
    for found in (one, other):
        if found.run.gradients is None:
            raise ConfigError("RUN", f"{found.label}, recorded without gradients", "a run of record.gradients=true")
    if not np.intersect1d(one.run.steps, other.run.steps).size:
        raise ConfigError("RUN", f"{one.label} and {other.label}", "two runs that have recorded a step in common")


def _settings(one: RecordedRun, other: RecordedRun) -> Table | None:
    """The keys that differ; None where none does."""
    mine, theirs = (dict(flatten(run.config)) for run in (one, other))
    table = plain_table(["configuration", "first", "second"], "configuration", "first", "second")
    for key in dict.fromkeys([*mine, *theirs]):
        values = [str(config[key]) if key in config else "-" for config in (mine, theirs)]
        if values[0] != values[1]:
            table.add_row(Text(key), *map(Text, values))
    return table if table.row_count else None


def _figures(one: RecordedRun, other: RecordedRun) -> Table:
    mine, theirs = (dict(_figures_of(run)) for run in (one, other))
    table = plain_table([""], "", "first", "second")
    for label in dict.fromkeys([*mine, *theirs]):
        table.add_row(Text(label), Text(mine.get(label, "-")), Text(theirs.get(label, "-")))
    return table


def _figures_of(run: RecordedRun) -> Iterator[tuple[str, str]]:
    """What is told of a run, label and figure."""
    verdict = run.verdict
    yield "verdict", verdict["verdict"]
    yield "worst roundings", _number(verdict["precision_roundings"])
    yield "worst logic roundings", _number(verdict["logic_roundings"])
    yield "recorded steps", str(len(run.steps))
    for name, losses in run.losses.items():
        yield f"first loss, {name}", f"{losses[0]:.8g}"
        yield f"last loss, {name}", f"{losses[-1]:.8g}"
    for part, words in (("train", "train"), ("held_out", "held-out")):
        for name, scores in (verdict["evaluation"] or {}).get(part, {}).items():
            if scores["accuracy"] is not None:
                yield f"{words} accuracy, {name}", f"{scores['accuracy']:.2%}"


def _number(value: Any) -> str:
    return "-" if value is None else number(value)


def _different(one: RecordedRun, other: RecordedRun, found: list[Difference]) -> str:
    """What is different, the first of each kind; nothing if it is rounding at most."""
    words = []
    if one.verdict["verdict"] != other.verdict["verdict"]:
        words.append(f"the verdict, {one.verdict['verdict']} and {other.verdict['verdict']}")
    beyond = [d for d in found if d.beyond is not None]
    if beyond:
        first = min(beyond, key=lambda d: d.beyond or 0)
        words.append(
            f"{first.tensor} of {first.backend}, by {number(first.roundings)} roundings, from step {first.beyond}"
        )
    words += [f"{d.tensor} of {d.backend}, {d.lacks}" for d in found if d.lacks][:1]
    more = sum(d.counts for d in found) - len(words) + (one.verdict["verdict"] != other.verdict["verdict"])
    return f"different: {'; '.join(words)}{f'; and {more} more' if more else ''}" if words else ""


def _same(found: list[Difference]) -> str:
    if all(d.same for d in found):
        return "the same: losses and gradients are bitwise equal"
    return f"the same within rounding: at most {number(max(d.roundings for d in found))} roundings apart"
