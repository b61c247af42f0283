"""Links that hold on GitHub, where a page lies among the sources, made to hold on the site, which has docs/ alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"\]\((?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?\)")
"""A link to a file of the repository; an address with a colon is none."""
SOURCES = "source"
"""The site's folder of the files outside docs/ that a page links to."""


def site_path(file: Path) -> str | None:
    """The page, picture or copy of the site that stands for a file or folder of the repository, if it is there."""
    if not file.exists() or not file.is_relative_to(ROOT):
        return None
    if file == ROOT / "README.md":
        return "index.md"
    if file.is_relative_to(DOCS):
        return str(file.relative_to(DOCS) / "index.md" if file.is_dir() else file.relative_to(DOCS))
    return f"{SOURCES}/{file.relative_to(ROOT)}.md"


def outside(text: str, folder: Path) -> Iterator[Path]:
    """The files and folders outside docs/ that a text, which lies in ``folder``, links to."""
    for found in LINK.finditer(text):
        file = (folder / found["target"]).resolve()
        if (site_path(file) or "").startswith(f"{SOURCES}/"):
            yield file


def relinked(text: str, folder: Path, page: str) -> str:
    """The text, which lies in ``folder``, with links as they have to be on the site's ``page``."""

    def link(found: re.Match[str]) -> str:
        target = site_path((folder / found["target"]).resolve())
        if target is None:
            return found[0]
        return f"]({os.path.relpath(target, PurePosixPath(page).parent)}{found['anchor'] or ''})"

    return LINK.sub(link, text)


def source_page(file: Path) -> str:
    """A page that shows a file, or names what a folder holds; the search leaves it out."""
    name = file.relative_to(ROOT)
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {name}\n\n"
    if file.is_dir():
        return head + "".join(f"- `{inside.name}`\n" for inside in sorted(file.iterdir()) if inside.suffix)
    return f"{head}````{file.suffix[1:]}\n{file.read_text(encoding='utf-8').rstrip()}\n````\n"
