"""LaTeX as MathML, when the site is built: a browser shows it with neither script nor network."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)
"""What pymdownx.arithmatex, told to be generic, leaves of a formula."""


def with_mathml(page: str) -> str:
    """A page's HTML, every formula of it as MathML."""
    return FORMULA.sub(_converted, page)


def _converted(found: re.Match[str]) -> str:
    block = found["tag"] == "div"
    made: str = convert(html.unescape(found["latex"]).strip(), display="block" if block else "inline")
    return f'<div class="formula">{made}</div>' if block else made
