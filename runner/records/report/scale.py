"""Roundings as colours: blues up to the limit, oranges beyond, each farther from the paper than the one before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from runner.comparison.constants import LIMIT
from runner.records.report.markup import Markup, join, tag

BLACK, WHITE = "#000000", "#ffffff"


@dataclass(frozen=True)
class Look:
    """The colour of a class, and that of text on it."""

    fill: str
    ink: str


@dataclass(frozen=True)
class Shade:
    """A class of roundings: from where, its looks on light and on dark paper, and its name in the legend."""

    begin: float
    light: Look
    dark: Look
    words: str


SHADES = (
    Shade(0.0, Look("#e6eff9", BLACK), Look("#1d3145", WHITE), "below 1"),
    Shade(1.0, Look("#bad6ef", BLACK), Look("#24486a", WHITE), "1 to 3"),
    Shade(3.0, Look("#8bbbe3", BLACK), Look("#2a6090", WHITE), "3 to 10"),
    Shade(10.0, Look("#5c9ed2", BLACK), Look("#387cb8", BLACK), "10 to 30"),
    Shade(LIMIT, Look("#c4620a", BLACK), Look("#d98324", BLACK), "beyond 30, the limit"),
    Shade(1e3, Look("#9a4500", WHITE), Look("#f0a850", BLACK), "beyond 1000"),
    Shade(1e6, Look("#742f00", WHITE), Look("#fbcb8a", BLACK), "beyond a million"),
    Shade(1e10, Look("#3f1400", WHITE), Look("#fff1da", BLACK), "beyond 10 billion"),
)
"""In grey, too, each is told from its neighbours, and the worst stands out most from the paper."""

SEQUENCE = ("#002b62", "#2b406d", "#4c556c", "#676a71", "#828079", "#9f9775", "#bfb06b", "#dfca57", "#fee838")
"""Nine classes from the least to the most: cividis (Nunez, Anderton, Renslow 2018), the same on any paper."""

APART = (
    ("#0b3c6f", "#2f6ea8", "#72a5d0", "#bcd7ec", "#f4f4f4", "#f5cfa3", "#e59a45", "#b9640f", "#6f3500"),
    ("#a9d6ff", "#6aaee6", "#3a7db8", "#25507a", "#22272c", "#6a4315", "#a8691f", "#e09a3f", "#ffd9a0"),
)
"""Nine classes of differences, blue below 0 and orange above it, on light and on dark paper."""


def place_of(roundings: float) -> int:
    """The class of a number of roundings; that of infinity is the last. Of 30 itself it is the last within the limit.

    Raises:
        ValueError: NaN, which has none.
    """
    if roundings != roundings:
        raise ValueError("NaN roundings")
    begins = [shade.begin for shade in SHADES]
    return begins.index(LIMIT) - 1 if roundings == LIMIT else bisect_right(begins, roundings) - 1


def palette() -> str:
    """The style sheet of the classes.

    ``.k0`` is what the first class of roundings is filled with, ``.i0`` text on it; ``.q0`` and ``.d0`` are the first
    of ``SEQUENCE`` and of ``APART``.
    """
    light = [shade.light for shade in SHADES], APART[0]
    dark = [shade.dark for shade in SHADES], APART[1]
    always = "".join(
        f".q{i} {{ fill: {fill}; background: {fill}; color: {WHITE if i < 4 else BLACK}; }}\n"
        for i, fill in enumerate(SEQUENCE)
    )
    return f"{always}{_rules(*light)}@media screen and (prefers-color-scheme: dark) {{\n{_rules(*dark)}}}\n"


def _rules(looks: Sequence[Look], apart: Sequence[str]) -> str:
    roundings = (
        f"svg .k{i} {{ fill: {look.fill}; }} svg .i{i} {{ fill: {look.ink}; }}" for i, look in enumerate(looks)
    )
    return "\n".join([*roundings, *(f".d{i} {{ fill: {fill}; }}" for i, fill in enumerate(apart)), ""])


def legend(what: str) -> Markup:
    """The classes in words, each beside its colour."""
    swatch = [
        tag("svg", tag("rect", width=14, height=14, class_=f"k{i}"), width=14, height=14, aria_hidden="true")
        for i in range(len(SHADES))
    ]
    items = [tag("li", box, f" {shade.words}") for box, shade in zip(swatch, SHADES, strict=True)]
    return tag("div", tag("p", f"{what}:"), tag("ul", join(items)), class_="legend")
