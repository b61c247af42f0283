"""What an item of the gallery is, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure


class NotSo(Exception):  # noqa: N818
    """What the gallery would say is not what the records show."""


@dataclass(frozen=True)
class Section:
    """What the page has of an item.

    Attributes:
        sentence: What the picture shows, with the records' own figures in it.
        caption: How to read the picture.
        picture: A run's own plot, or a figure drawn here.
    """

    sentence: str
    caption: str
    picture: Path | Figure


@dataclass(frozen=True)
class Item:
    """An experiment.

    Attributes:
        name: That of its folder in outputs/gallery and of its picture.
        heading: Over its section.
        overrides: As they are typed, after ``python -m runner``.
        tell: From the item's folder, what is to be said of it. Raises NotSo where the records do not show it.
        sweep: Whether it is a sweep, whose folder is ``sweep`` in the item's; a run's is ``run``.
        status: The exit code that is expected.
    """

    name: str
    heading: str
    overrides: str
    tell: Callable[[Path], Section]
    sweep: bool = False
    status: int = 0

    @property
    def place(self) -> Path:
        """Its folder, relative to the one that the command is typed in."""
        return Path("outputs", "gallery", self.name)

    @property
    def command(self) -> str:
        """To be typed in a shell."""
        kind, key = ("-m ", "hydra.sweep.dir") if self.sweep else ("", "hydra.run.dir")
        folder = self.place / ("sweep" if self.sweep else "run")
        return f"python -m runner {kind}{self.overrides} {key}={folder} tracking.uri=sqlite:///{self.place}/mlflow.db"


def claim(holds: bool, words: str) -> None:
    """Something that a sentence says.

    Raises:
        NotSo: It does not hold.
    """
    if not holds:
        raise NotSo(f"the records do not show that {words}")
