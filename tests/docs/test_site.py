"""The documentation as a site: its navigation names every page, and what is made for it is whole."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from documentation.catalogue import catalogue
from documentation.links import DOCS, ROOT, relinked, source_page
from runner.catalog import Catalog
from runner.help import KEY_LINE
from runner.paths import CONF

MADE = {"index.md", "catalogue.md", "derivations/index.md"}
"""Pages that are made while the site is built."""


def pages(node: object) -> Iterator[str]:
    """The pages that a part of the navigation names."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for part in node:
            yield from pages(part)
    elif isinstance(node, dict):
        yield from pages(list(node.values()))


def test_the_navigation_names_every_page_once() -> None:
    named = sorted(pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    there = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert named == sorted(there | MADE)
    assert not there & MADE


def test_the_catalogue_has_every_choice_and_every_key() -> None:
    page = catalogue()
    catalog = Catalog()
    for group in catalog.groups():
        for name in catalog.names(group):
            assert f"{{ #{group}-{name} }}\n" in page, (group, name)
    keys = [
        found
        for file in CONF.rglob("*.yaml")
        for line in file.read_text(encoding="utf-8").splitlines()
        if file.parent.name != "experiment" and (found := KEY_LINE.match(line))
    ]
    assert len(re.findall(r"^\| `", page, re.MULTILINE)) == len(keys) > 100
    assert "| `lr` | `0.05` | a number | learning rate, from 0 |" in page
    assert "| `lockstep` | `true` | true or false |" in page
    assert "| `optimizer.betas` | `[0.9, 0.999]` | a list, each of it a number |" in page
    assert "### `loss=sse` \\* {" in page
    assert "### `loss=mse` {" in page


@pytest.mark.parametrize(
    ("link", "folder", "page", "there"),
    [
        ("docs/verdict.md#drift", ROOT, "index.md", "verdict.md#drift"),
        ("docs/derivations", ROOT, "index.md", "derivations/index.md"),
        ("../README.md#grading-many", DOCS, "commands.md", "index.md#grading-many"),
        ("../../runner/losses/mse.py", DOCS / "derivations", "derivations/mse.md", "../source/runner/losses/mse.py.md"),
        ("adam.md", DOCS / "derivations", "derivations/adamw.md", "adam.md"),
        ("no/such/file", ROOT, "index.md", "no/such/file"),
        ("https://hydra.cc/a", ROOT, "index.md", "https://hydra.cc/a"),
    ],
)
def test_a_link_leads_where_it_does_on_github(link: str, folder: Path, page: str, there: str) -> None:
    assert relinked(f"[a]({link}), [b]({link})", folder, page) == f"[a]({there}), [b]({there})"


def test_the_page_of_a_source_shows_it_and_that_of_a_folder_names_its_files() -> None:
    file = ROOT / "runner" / "losses" / "mse.py"
    assert file.read_text(encoding="utf-8").rstrip() in source_page(file)
    assert "- `mse.py`" in source_page(file.parent)


@pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="the site is built where pip has installed .[docs]"
)
def test_the_site_is_built_without_a_warning_and_needs_no_network(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    written = {page: page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html")}
    for page, text in written.items():
        loaded = re.findall(r'<(?:script|img|iframe)[^>]* src="?(https?:[^"> ]*)', text)
        styles = [tag for tag in re.findall(r"<link [^>]*>", text) if "http" in tag and "canonical" not in tag]
        assert not loaded + styles, page
        assert "arithmatex" not in text, page
    assert "<math" in written[tmp_path / "verdict.html"]
