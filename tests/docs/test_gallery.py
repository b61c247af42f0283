"""docs/gallery: its pictures are there, its commands are those that make it, and what it says of a run is so again."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.gallery.__main__ import main
from benchmarks.gallery.items import ITEMS
from benchmarks.gallery.items.assignment import ASSIGNMENT
from benchmarks.gallery.making import LARGEST, make, sections
from benchmarks.gallery.section import Item, NotSo

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
PAGE = sections((GALLERY / "index.md").read_text(encoding="utf-8"))
FIGURE = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")
OF_IT = 3.0
"""By so much a figure may be another on another machine: rounding is not the same there."""


def test_the_page_has_all_items_in_their_order() -> None:
    assert list(PAGE) == [item.heading for item in ITEMS]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
def test_an_item_has_its_picture_and_its_command(item: Item) -> None:
    (picture,) = re.findall(r"^!\[.*\]\((.+)\)$", PAGE[item.heading], re.MULTILINE)
    assert picture == f"{item.name}.png"
    assert (GALLERY / picture).stat().st_size <= LARGEST
    with Image.open(GALLERY / picture) as image:
        image.verify()
    assert re.findall(r"^    (.+)$", PAGE[item.heading], re.MULTILINE) == [item.command]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
def test_a_command_writes_into_its_own_folder_alone(item: Item) -> None:
    of_folders = [word for word in shlex.split(item.command) if word.startswith(("hydra.", "tracking.uri="))]
    assert len(of_folders) == 2
    assert all(f"outputs/gallery/{item.name}/" in word for word in of_folders)


def test_no_picture_is_left_over() -> None:
    assert {file.name for file in GALLERY.iterdir()} == {"index.md", *(f"{item.name}.png" for item in ITEMS)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the cheapest item was made, onto a page that has another one."""
    folder = tmp_path_factory.mktemp("gallery")
    page = folder / "docs" / "index.md"
    page.parent.mkdir()
    page.write_text(f"# Gallery\n\n## {ITEMS[-1].heading}\n\nOf another item.\n", encoding="utf-8")
    make(ASSIGNMENT, ITEMS, folder, page.parent)
    return folder


def test_the_cheapest_says_the_same_again(place: Path) -> None:
    sentence = ASSIGNMENT.tell(place / ASSIGNMENT.place).sentence
    published = PAGE[ASSIGNMENT.heading].splitlines()[0]
    assert FIGURE.sub("#", sentence) == FIGURE.sub("#", published)
    for mine, theirs in zip(FIGURE.findall(sentence), FIGURE.findall(published), strict=True):
        assert float(theirs) / OF_IT <= float(mine) <= float(theirs) * OF_IT, sentence


def test_making_one_leaves_the_others_on_the_page(place: Path) -> None:
    there = sections((place / "docs" / "index.md").read_text(encoding="utf-8"))
    assert list(there) == [ASSIGNMENT.heading, ITEMS[-1].heading]
    assert there[ITEMS[-1].heading] == "Of another item."
    with Image.open(place / "docs" / "assignment.png") as image:
        image.verify()


def test_an_item_says_nothing_that_its_records_do_not_show(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(place / ASSIGNMENT.place / "run", run)
    verdict = run / "verdict.json"
    verdict.write_text(verdict.read_text(encoding="utf-8").replace('"verdict": "agree"', '"verdict": "mismatch"'))
    with pytest.raises(NotSo, match="the records do not show that the two agree"):
        ASSIGNMENT.tell(tmp_path)


def test_an_unexpected_end_is_told_with_what_was_printed(tmp_path: Path) -> None:
    rejected = Item("rejected", "Rejected", "lr=fast", ASSIGNMENT.tell)
    with pytest.raises(NotSo, match=r"exit code 2 in place of 0: python -m runner lr=fast .*(?s:.*)lr"):
        make(rejected, [rejected], tmp_path, tmp_path / "docs")
    assert not (tmp_path / "docs").exists()


def test_an_item_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["9"]) == 2
    assert capsys.readouterr().err == "there is no item 9; there are 1 to 8\n"
