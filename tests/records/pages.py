"""A page of the program, read as a browser reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = {"meta"}


@dataclass
class Page:
    """A page as a browser reads it."""

    text: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    words: str = ""

    @property
    def data(self) -> Any:
        return json.loads(self.scripts[0])

    def ids(self) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get("id"))]


class Reader(HTMLParser):
    """Reads a page, and checks that its elements are closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.page, self.open = Page(text), [""]
        self.feed(text)
        self.close()
        assert self.open == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] == "script":
            self.page.scripts.append(data)
        elif self.open[-1] != "style":
            self.page.words += data
