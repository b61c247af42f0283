"""Making an item: its command is run, what it left is told and drawn, and the page takes it up."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure

from benchmarks.gallery.section import Item, NotSo, Section
from runner.records.plots.style import RC

LARGEST = 150_000
"""Bytes of a picture."""

HEAD = """\
# Gallery

Each picture is made of what the command below it leaves behind, and so is every figure in the sentence above it.
`make gallery` runs them all and writes this page; where the records do not show what a sentence says, it says so.
"""


def make(item: Item, items: Sequence[Item], root: Path, docs: Path) -> Section:
    """Runs the item's command in ``root`` and writes its picture and its section of the page in ``docs``.

    Sections of other ``items`` stay as they are on the page.

    Raises:
        NotSo: The command ended in another way than is expected, or the records do not show what is said.
        OSError: A file cannot be written.
    """
    _run(item, root)
    with matplotlib.style.context(["default", RC]):
        section = item.tell(root / item.place)
        docs.mkdir(parents=True, exist_ok=True)
        _save(section.picture, docs / f"{item.name}.png")
    page = docs / "index.md"
    there = sections(page.read_text(encoding="utf-8")) if page.is_file() else {}
    there[item.heading] = _text(item, section)
    texts = [f"## {i.heading}\n\n{there[i.heading]}\n" for i in items if i.heading in there]
    page.write_text("\n".join([HEAD, *texts]), encoding="utf-8")
    return section


def sections(page: str) -> dict[str, str]:
    """What is below each heading of the page."""
    parts = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)[1:]
    return {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def _run(item: Item, root: Path) -> None:
    place = root / item.place
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    command = [sys.executable, *shlex.split(item.command)[1:]]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=env)
    if done.returncode != item.status:
        raise NotSo(
            f"exit code {done.returncode} in place of {item.status}: {item.command}\n{done.stdout}{done.stderr}"
        )


def _save(picture: Path | Figure, file: Path) -> None:
    if isinstance(picture, Figure):
        picture.savefig(file, metadata={"Software": None})
    else:
        shutil.copy(picture, file)
    if file.stat().st_size > LARGEST:
        raise NotSo(f"{file} has {file.stat().st_size} bytes, more than {LARGEST}")


def _text(item: Item, section: Section) -> str:
    picture = f"![{item.heading}]({item.name}.png)"
    return "\n\n".join([section.sentence, picture, section.caption, f"    {item.command}"])
