"""Recorded runs as a table: whole where it is piped, fitted to a terminal's width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from runner.commands.locate import short
from runner.comparison.results import SEVERITY as VERDICTS
from runner.records.console import plain_table
from runner.records.words import number

if TYPE_CHECKING:
    from rich.table import Table

GAP = 3
"""Blanks between two columns."""
ENOUGH = 24
"""Characters of a name or an experiment that tell it from others."""


@dataclass(frozen=True)
class Row:
    """One run; figures that are not known are NaN."""

    name: str
    experiment: str
    verdict: str
    roundings: float
    loss: float
    start: str
    run_id: str
    folder: str
    milliseconds: int


COLUMNS: dict[str, Callable[[Row], str]] = {
    "name": lambda row: row.name,
    "experiment": lambda row: row.experiment,
    "verdict": lambda row: row.verdict,
    "roundings": lambda row: number(row.roundings),
    "last loss": lambda row: "-" if isnan(row.loss) else f"{row.loss:.6g}",
    "start": lambda row: row.start,
    "run": lambda row: short(row.run_id),
    "folder": lambda row: row.folder,
}
FIGURES = ("roundings", "last loss")
LEFT_OUT_FIRST = ("folder", "experiment", "start")
"""What a narrow terminal does without, in this order: the id leads to the rest."""


def listed(rows: Sequence[Row], width: int | None) -> tuple[Table, list[str]]:
    """The table, and the columns for which ``width`` (of a terminal; None: piped) has no room."""
    cells = {column: [cell(row) for row in rows] for column, cell in COLUMNS.items()}
    shown = list(COLUMNS)
    if width is not None:
        cells["experiment"] = [shortened(text, ENOUGH) for text in cells["experiment"]]
        widths = {column: max(map(cell_len, [column, *texts])) for column, texts in cells.items()}
        for column in LEFT_OUT_FIRST:
            if _room(shown, widths, width) < min(widths["name"], ENOUGH):
                shown.remove(column)
        room = max(_room(shown, widths, width), len("name"))
        cells["name"] = [shortened(text, room) for text in cells["name"]]
    table = plain_table([column for column in shown if column not in FIGURES], *shown)
    for i, row in enumerate(rows):
        style = "" if row.verdict not in VERDICTS else "green" if row.verdict == "agree" else "bold red"
        table.add_row(*(Text(cells[column][i], style if column == "verdict" else "") for column in shown))
    return table, [column for column in COLUMNS if column not in shown]


def _room(shown: Sequence[str], widths: dict[str, int], width: int) -> int:
    """What is left for the names."""
    return width - sum(widths[column] + GAP for column in shown if column != "name")


def shortened(text: str, width: int) -> str:
    """The text, its middle left out where it is wider than so many columns of a terminal."""
    if cell_len(text) <= width:
        return text
    right = (width - 1) // 2
    return f"{set_cell_size(text, width - 1 - right)}…{set_cell_size(text[::-1], right)[::-1]}"
