"""Which part of a large tensor is shown: a matrix around its worst element."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from runner.arrays import Array, Shape


@dataclass(frozen=True)
class Window:
    """A part of a tensor that is taken as a matrix: its first axis as rows, all others, flattened, as columns.

    A vector is one row. ``total`` are all rows and columns, ``place`` is where in them the worst element stands.
    """

    rows: range
    columns: range
    total: tuple[int, int]
    place: tuple[int, int]

    @property
    def whole(self) -> bool:
        """Whether it is all of the tensor."""
        return (len(self.rows), len(self.columns)) == self.total

    def of(self, values: Array) -> Array:
        """That part of a tensor, (rows, columns)."""
        matrix = values.reshape(self.total)
        return matrix[self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]

    @property
    def within(self) -> tuple[int, int]:
        """Where the worst element stands in the part that is shown."""
        return self.place[0] - self.rows.start, self.place[1] - self.columns.start

    @property
    def words(self) -> str:
        """What is shown, of what is not shown whole."""
        rows, columns = (f"{part.start} to {part.stop - 1}" for part in (self.rows, self.columns))
        many = "" if self.total[0] == 1 else f"rows {rows} of {self.total[0]}, "
        return f"{many}columns {columns} of {self.total[1]}, around the worst element"


def window(shape: Shape, at: int, side: int) -> Window:
    """At most ``side`` rows and columns around the element ``at`` of the flattened tensor."""
    rows = shape[0] if len(shape) > 1 else 1
    total = rows, prod(shape) // rows
    place = divmod(at, total[1])
    parts = []
    for where, count in zip(place, total, strict=True):
        begin = max(0, min(where - side // 2, count - side))
        parts.append(range(begin, min(begin + side, count)))
    return Window(parts[0], parts[1], total, place)
