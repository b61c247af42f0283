"""Roundings as colours: blues up to the limit, oranges and browns beyond, each class darker than the one before."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from runner.comparison.constants import LIMIT
from runner.records.report.markup import Markup, join, tag


@dataclass(frozen=True)
class Shade:
    """A class of roundings: from where, its colour, that of text on it, and its name in the legend."""

    begin: float
    fill: str
    ink: str
    words: str


SHADES = (
    Shade(0.0, "#deebf7", "#000000", "below 1"),
    Shade(1.0, "#9ecae1", "#000000", "1 to 3"),
    Shade(3.0, "#4292c6", "#000000", "3 to 10"),
    Shade(10.0, "#08519c", "#ffffff", "10 to 30"),
    Shade(LIMIT, "#fdbe85", "#000000", "beyond 30, the limit"),
    Shade(1e3, "#f16913", "#000000", "beyond 1000"),
    Shade(1e6, "#a63603", "#ffffff", "beyond a million"),
    Shade(1e10, "#4a1500", "#ffffff", "beyond 10 billion"),
)


def shade_of(roundings: float) -> Shade:
    """The class of a number of roundings; that of infinity is the last. Of 30 itself it is the last within the limit.

    Raises:
        ValueError: NaN, which has none.
    """
    if roundings != roundings:
        raise ValueError("NaN roundings")
    if roundings == LIMIT:
        return next(shade for shade in reversed(SHADES) if shade.begin < LIMIT)
    return SHADES[bisect_right([shade.begin for shade in SHADES], roundings) - 1]


def legend(what: str) -> Markup:
    """The classes in words, each beside its colour."""
    swatch = [
        tag("svg", tag("rect", width=14, height=14, fill=s.fill), width=14, height=14, aria_hidden="true")
        for s in SHADES
    ]
    items = [tag("li", box, f" {shade.words}") for box, shade in zip(swatch, SHADES, strict=True)]
    return tag("div", tag("p", f"{what}:"), tag("ul", join(items)), class_="legend")
