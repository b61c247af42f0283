"""The list of named mistakes in docs/causes.md is the one that the program has."""

from __future__ import annotations

from pathlib import Path

from runner.comparison.mistakes.__main__ import table

DOCUMENT = Path(__file__).parents[2] / "docs" / "causes.md"


def test_the_document_lists_every_named_mistake_in_its_own_words() -> None:
    listed = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert listed == [line for line in table() if line.startswith("| ")]


def test_there_are_at_least_25_and_no_name_is_given_twice() -> None:
    names = [line.split("`")[1] for line in table() if line.startswith("| `")]
    assert len(names) == len(set(names)) >= 25
