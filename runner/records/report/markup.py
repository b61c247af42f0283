"""HTML in which nothing that comes from a user can be taken for HTML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

WORDS = 2000
"""Characters of a message that a page has room for."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def join(parts: Iterable[str]) -> Markup:
    """The parts one after the other; what is not HTML yet is escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def tag(name: str, *content: str, **attributes: str | float | None) -> Markup:
    """An element. An attribute's ``_`` is read as ``-``, one at its end is dropped; None leaves the attribute out."""
    told = [
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    ]
    return Markup(f"<{name}{''.join(told)}>{join(content)}</{name}>")


def embedded(value: Any) -> Markup:
    """JSON that no text in it can end: no ``<`` and nothing beyond ASCII stands in it as it is."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def clipped(text: str, length: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def scrolled(content: Markup, name: str) -> Markup:
    """A region of its own, which scrolls where the window is narrow."""
    return tag("div", content, class_="scroll", role="region", aria_label=name, tabindex=0)


def section(name: str, heading: str, *content: str) -> Markup:
    """A part of the page under its heading."""
    return tag("section", tag("h2", heading, id=f"{name}-title"), *content, id=name, aria_labelledby=f"{name}-title")
