"""docs/derivations: a page an entry, and on it every formula of its pass."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.helpers import CATALOG

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "derivations"
SHARED = {"schedule": "schedules", "clip": "clipping"}
"""Groups whose entries share a page."""

ENTRIES = [(group, name) for group in ("layer", "loss", "optimizer", *SHARED) for name in CATALOG.names(group)]
NOTHING_TO_DERIVE = {("clip", "none")}
FILES = sorted(
    file
    for folder in ("layers", "losses", "optimizers", "schedules", "clipping")
    for file in (ROOT / "runner" / folder).glob("*.py")
)


def folded(text: str) -> str:
    return " ".join(text.split())


def page_of(group: str, name: str) -> Path:
    return PAGES / f"{SHARED.get(group, name)}.md"


def derived(file: Path) -> list[tuple[str, str, str]]:
    """Class, docstring and page of every pass in a file that says where it is derived."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        text = (ast.get_docstring(node) or "") if isinstance(node, ast.ClassDef) else ""
        named = re.search(r"Derived in docs/derivations/(\w+)\.md\.", text)
        if isinstance(node, ast.ClassDef) and named:
            found.append((node.name, text[: named.start()], named[1]))
    return found


PASSES = [(file, *found) for file in FILES for found in derived(file)]


def formulas(text: str) -> list[str]:
    """The pieces of a docstring, between semicolons and full stops, that are equations."""
    pieces = re.split(r";\s+|\.\s+|\.$|\n\n", text)
    return [folded(piece) for piece in pieces if re.search(r"^\S[^,:]* (=|<-) ", folded(piece))]


@pytest.mark.parametrize(("group", "name"), ENTRIES)
def test_every_entry_has_a_page_that_leads_to_its_file(group: str, name: str) -> None:
    target = re.search(r"_target_: (\S+)", CATALOG.find(group, name, group).read_text(encoding="utf-8"))
    assert target is not None
    file = f"{target[1].rpartition('.')[0].replace('.', '/')}.py"
    assert (ROOT / file).is_file()
    assert f"(../../{file})" in page_of(group, name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("group", "name"), ENTRIES)
def test_every_entry_is_derived(group: str, name: str) -> None:
    page = page_of(group, name)
    passes = {cls for _, cls, _, _ in PASSES if cls in page.read_text(encoding="utf-8")}
    assert (group, name) in NOTHING_TO_DERIVE or passes


@pytest.mark.parametrize(("file", "cls", "text", "page"), PASSES, ids=[f"{f.stem}-{c}" for f, c, _, _ in PASSES])
def test_every_formula_of_a_pass_stands_on_its_page(file: Path, cls: str, text: str, page: str) -> None:
    written = folded((PAGES / f"{page}.md").read_text(encoding="utf-8"))
    assert cls in written
    assert f"(../../{file.relative_to(ROOT)})" in written
    missing = [formula for formula in formulas(text) if formula not in written]
    assert not missing


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_no_page_is_left_over() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {page_of(*entry).stem for entry in ENTRIES}
