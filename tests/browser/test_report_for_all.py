"""report.html for everybody: in dark colours, on a narrow screen, and by the rules of accessibility that axe knows."""

from __future__ import annotations

import re
from itertools import product
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from .conftest import Screen
from .records import Records

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=740)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def opened(page: Page, address: str, size: ViewportSize, scheme: Literal["light", "dark"]) -> None:
    """The page in that size and those colours, with all that can be unfolded unfolded."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")


@pytest.mark.parametrize("name", ["agree", "wrong"])
@pytest.mark.parametrize(("size", "scheme"), [*product((WIDE, NARROW), SCHEMES)])
def test_axe_finds_nothing(
    page: Page, records: Records, name: str, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    opened(page, records.report(name), size, scheme)
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    assert len(found.response["passes"]) > 15


@pytest.mark.parametrize("name", ["agree", "wrong"])
def test_it_fits_a_narrow_screen(page: Page, records: Records, screen: Screen, name: str) -> None:
    opened(page, records.report(name), NARROW, "light")
    screen(page, f"report-{name}-narrow")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= NARROW["width"]
    for part in page.locator(".plot svg[role=img], caption").all():
        box = part.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= NARROW["width"]


def brightness(page: Page, property_: str) -> float:
    """Of a colour of the page's body, from 0 to 255."""
    colour = page.evaluate(f"getComputedStyle(document.body).{property_}")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_it_is_dark_where_all_is(page: Page, records: Records, screen: Screen) -> None:
    opened(page, records.report("wrong"), WIDE, "light")
    assert brightness(page, "backgroundColor") > 200 > 60 > brightness(page, "color")
    page.emulate_media(color_scheme="dark")
    assert brightness(page, "backgroundColor") < 60 < 200 < brightness(page, "color")
    screen(page, "report-wrong-dark")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_wrong_stands_out_in_every_colour_scheme(
    page: Page, records: Records, scheme: Literal["light", "dark"]
) -> None:
    opened(page, records.report("wrong"), WIDE, scheme)
    paper = brightness(page, "backgroundColor")
    right, wrong = (
        abs(sum(map(int, re.findall(r"\d+", page.locator(which).first.evaluate(FILLED)))) / 3 - paper)
        for which in (".legend rect.k0", "#network .wrong rect")
    )
    assert wrong > 180 > 60 > right


FILLED = "(element) => getComputedStyle(element).fill"
