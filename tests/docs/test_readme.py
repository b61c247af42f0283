"""README.md: its links lead somewhere, its pictures are there, its figures are those of docs/faults.md."""

from __future__ import annotations

import re

import pytest

from documentation.pictures import FOLDER, LIMIT
from tests.cli.process import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
FAULTS = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")


def totals(text: str) -> dict[str, list[int]]:
    """By the check's name, without the module that it is of: how many it objects to, of each kind."""
    rows = re.findall(r"^\| (the verdict|`[\w.]+`) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    return {name.strip("`").rpartition(".")[2]: [int(count) for count in counts] for name, *counts in rows}


def kinds(text: str) -> list[int]:
    """How many faults there are of each kind, of the head of the table of totals."""
    (head,) = re.findall(r"^\| \| (.*wrong formulas.*) \|$", text, re.MULTILINE)
    return [int(count) for count in re.findall(r"\d+", head)]


def test_the_totals_are_those_of_the_faults() -> None:
    mine, theirs = totals(README), totals(FAULTS)
    assert mine == {name: theirs[name] for name in ("the verdict", "allclose", "assert_close", "gradcheck")}
    assert kinds(README) == kinds(FAULTS)
    wrong, lossy, right = kinds(README)
    assert f"{wrong} backpropagations and updates that are wrong on purpose, {lossy} right" in README
    assert f"and {right} that are\nright" in README
    (later,) = re.findall(r"(\d+) of the wrong ones begin after the gradients", README)
    assert re.search(rf"The other\s{later} begin after the gradients", FAULTS)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)\s:]+)\)", README))))
def test_a_link_leads_somewhere(link: str) -> None:
    path, _, anchor = link.partition("#")
    assert (ROOT / path).exists()
    if anchor:
        text = (ROOT / path).read_text(encoding="utf-8")
        heads = [
            re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in re.findall(r"^#+ (.*)$", text, re.M)
        ]
        assert anchor in heads


def test_the_pictures_are_shown_and_none_is_large() -> None:
    shown = set(re.findall(r"\]\(docs/pictures/(.+?)\)", README))
    assert shown == {picture.name for picture in FOLDER.iterdir()}
    assert all((FOLDER / name).stat().st_size <= LIMIT for name in shown)
