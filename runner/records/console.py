"""What a person sees: plain when piped, with a progress bar and colours on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from runner.assemble import Setup
from runner.comparison.results import Comparison
from runner.comparison.summary import RunVerdict
from runner.errors import printable
from runner.evaluation import Epoch
from runner.outcome import Outcome, Record
from runner.printing import silence
from runner.published.table import Published
from runner.records.drift import drift_sentence
from runner.records.words import number, small, whole_verdict

PIPED_WIDTH = 10_000
UPDATES = 200


class _Patient(RichConsole):
    """A reader of our output that goes away does not end the run, as Rich would; names act on no terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What names, paths and messages hold that a terminal would act on is shown as escapes."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                text = "\n".join(map(printable, segment.text.split("\n")))
                yield Segment(text, segment.style)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        silence(sys.stdout.fileno())


def open_console() -> RichConsole:
    """Stdout: wide when piped, so that no row is folded; without a single style code where NO_COLOR is set."""
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    out = _Patient(highlight=False, soft_wrap=True, color_system=colours)
    if not out.is_terminal:
        out = _Patient(highlight=False, soft_wrap=True, color_system=colours, width=PIPED_WIDTH)
    return out


def plain_table(left: Sequence[str], *columns: str) -> Table:
    """A table without lines; the columns named in ``left`` are words, the others figures."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", overflow="fold")
    return table


class Console:
    """The console of one run; ``quiet`` is that of a job in a sweep, which prints one line.

    ``published`` is what is printed beside a published table, once the first step is recorded; ``done`` are the steps
    that an earlier process has done.
    """

    def __init__(self, setup: Setup, quiet: bool = False) -> None:
        self._setup, self._quiet = setup, quiet
        self._out = open_console()
        self._bar: Progress | None = None
        self.published: PublishedRows | None = None
        self.done = 0

    def start(self) -> None:
        """The network, and what is done with it."""
        setup = self._setup
        if self._quiet:
            return
        self.line(str(setup.problem.network))
        count = "1 step" if setup.steps == 1 else f"{setup.steps} steps"
        what = f"{count}, batch {setup.batch_size}, {self.rates()}{setup.dtype.name}"
        self.line(f"{', '.join(setup.backends)}: {what}")
        if self.done:
            self.line(f"going on from its checkpoint, where {self.done} of them are done")
        self.show_bar()

    def rates(self) -> str:
        """The learning rate, as a part of a list."""
        return f"lr {self._setup.problem.lr:g}, "

    def show_bar(self) -> None:
        """The progress bar, on a terminal."""
        if self._out.is_terminal:
            columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._out, transient=True)
            self._task = self._bar.add_task("steps", total=self._setup.steps)
            self._bar.start()

    def progress(self, step: int) -> None:
        """Moves the bar, now and then."""
        if self._bar is not None and step % max(1, self._setup.steps // UPDATES) == 0:
            self._bar.update(self._task, completed=step)

    def keep(self, record: Record) -> None:
        """Keeps the first step's numbers if there is a published table to print beside them."""
        if self._setup.published is not None and self.published is None:
            self.published = PublishedRows.of(self._setup.published, record)

    def stop(self) -> None:
        """Takes the bar away; safe to call twice."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def finish(self, outcome: Outcome, title: str, places: Mapping[str, str]) -> None:
        """Losses, tensors, the verdict, and where the results lie."""
        self.stop()
        words, *rest = whole_verdict(outcome.verdict, list(self._setup.backends))
        style = "bold green" if outcome.verdict.agree else "bold red"
        if self._quiet:
            self._out.print(Text(f"{title}: "), Text(words, style))
            return
        if self.published is not None:
            self.line("")
            for line in self.published.lines():
                self.line(line)
        if outcome.losses:
            self.line("")
            self._out.print(_losses(outcome.losses))
        if outcome.epoch is not None:
            self.line("")
            self._out.print(_scores(outcome.epoch))
        self.line("")
        self._out.print(_tensors(outcome.verdict))
        self.line("")
        self._out.print(Text(words, style))
        for line in rest:
            self.line(line)
        if outcome.drift:
            self.line("")
        for parting in outcome.drift.values():
            self.line(drift_sentence(parting))
        self.line("")
        for label, value in places.items():
            self.line(f"{label:<12} {value}")

    def line(self, text: str) -> None:
        """One line as it is."""
        self._out.print(Text(text))


def _losses(losses: Mapping[str, tuple[float, float]]) -> Table:
    table = plain_table(["loss"], "loss", "first", "last")
    for name, (first, last) in losses.items():
        table.add_row(Text(name), f"{first:.8g}", f"{last:.8g}")
    return table


def _scores(epoch: Epoch) -> Table:
    table = plain_table(["last epoch"], "last epoch", "loss", "accuracy")
    for part, found in (("train", epoch.train), ("held out", epoch.held_out)):
        for name, scores in found.items():
            accuracy = "" if scores.accuracy is None else f"{scores.accuracy:.2%}"
            table.add_row(Text(f"{part}, {name}"), f"{scores.loss:.6g}", accuracy)
    return table


def _tensors(verdict: RunVerdict) -> Table:
    table = plain_table(["tensor"], "tensor", "max |deviation|", "roundings", "logic roundings", "")
    for name, t in verdict.tensors.items():
        ok = Text("not ok", "bold red") if not t.ok else Text("ok", "green") if t.known else Text("-")
        table.add_row(Text(name), small(t.max_abs), number(t.roundings), number(t.logic_roundings), ok)
    return table


@dataclass(frozen=True)
class PublishedRows:
    """Published numbers beside those of each backend at the first step, in the report's own order and names.

    Attributes:
        names: The backends.
        rows: What each number is, as it was published, and as each backend has it.
        deviations: Each tensor's largest.
    """

    names: list[str]
    rows: list[tuple[str, float, list[float]]]
    deviations: list[tuple[str, float]]

    @classmethod
    def of(cls, published: Published, record: Record) -> PublishedRows:
        """Those of the first step's ``record``."""
        steps = list(record.steps.values())
        rows = [("loss", published.loss, [float(s.loss) for s in steps])]
        rows.append(("prediction", published.prediction, [float(s.prediction.ravel()[0]) for s in steps]))
        for name, values in published.gradients.items():
            for index in sorted(_indices(values.shape)):
                label = f"{_report_name(name)} [{', '.join(map(str, index))}]"
                rows.append((label, float(values[index]), [float(s.gradients[name][index]) for s in steps]))
        return cls(list(record.steps), rows, _deviation_rows(record.comparisons))

    def lines(self) -> list[str]:
        """The table, then the deviations, the largest of any element where the report summed signed differences."""
        width = max(len(label) for label, _, _ in self.rows) + 2
        head = f"{'':<{width}}{'published':>12}" + "".join(f"{name:>14}" for name in self.names)
        rows = [f"{a:<{width}}{p:>12.5f}" + "".join(f"{v:>14.8f}" for v in found) for a, p, found in self.rows]
        off = max(abs(v - p) for _, p, found in self.rows for v in found)
        below = f"the largest distance of any of these from its published number: {off:.4g}"
        width = max(len(label) for label, _ in self.deviations) + 2
        return [head, *rows, below, "", *(f"{label:<{width}}{value:.3e}" for label, value in self.deviations)]


def _indices(shape: Sequence[int]) -> list[tuple[int, ...]]:
    import numpy as np

    return list(np.ndindex(*shape))


def _report_name(parameter: str) -> str:
    layer, _, kind = parameter.rpartition(".")
    return f"{layer} {kind[0]}"


def _deviation_rows(comparisons: Sequence[Comparison]) -> list[tuple[str, float]]:
    rows = []
    for c in comparisons:
        suffix = "" if len(comparisons) == 1 else f" ({c.backend})"
        for name, value in zip(c.layout.names, c.deviation.max_abs, strict=True):
            label = name if name in ("loss", "prediction") else _report_name(name)
            rows.append((f"{label}_deviation{suffix}", float(value)))
    return rows
