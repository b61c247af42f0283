"""The figures of the documentation come from the command that draws them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.figures import FOLDER, main

DOCS = Path(__file__).parents[1] / "docs"


def test_every_figure_of_the_page_is_drawn_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main()
    drawn = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    shown = re.findall(r"\]\(figures/(.+?)\)", (DOCS / "verdict.md").read_text(encoding="utf-8"))
    assert drawn == sorted(shown) == sorted(path.name for path in (DOCS / "figures").iterdir())
