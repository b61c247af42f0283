"""The items of the gallery, in the page's order."""

from __future__ import annotations

from benchmarks.gallery.items.assignment import ASSIGNMENT
from benchmarks.gallery.items.attention import ATTENTION
from benchmarks.gallery.items.depth import DEPTH
from benchmarks.gallery.items.digits import DIGITS
from benchmarks.gallery.items.drift import DRIFT
from benchmarks.gallery.items.dtypes import DTYPES
from benchmarks.gallery.items.optimizers import OPTIMIZERS
from benchmarks.gallery.items.wrong_slope import WRONG_SLOPE
from benchmarks.gallery.section import Item

__all__ = ["ITEMS"]

ITEMS: tuple[Item, ...] = (ASSIGNMENT, WRONG_SLOPE, DEPTH, DTYPES, DRIFT, DIGITS, ATTENTION, OPTIMIZERS)
