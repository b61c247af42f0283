"""How every plot is drawn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style

from runner.records.plots.style import RC


@contextmanager
def drawing() -> Iterator[None]:
    """The plots' style, whatever a person has set; a letter that the font lacks is a box, without a word."""
    with matplotlib.style.context(["default", RC]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield
