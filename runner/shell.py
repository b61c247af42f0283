"""A command line as a person types it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence


def shell_line(words: Sequence[str]) -> str:
    """The words as a shell takes them."""
    return " ".join(map(_as_typed, words))


def title_of(overrides: Sequence[str]) -> str:
    """The name of a run or of a sweep: its overrides as they were typed."""
    return " ".join(overrides) or "default"


def _as_typed(word: str) -> str:
    """A word as a shell takes it; what cannot be typed or shown stands as escapes, as bash and zsh read them."""
    if word.isprintable():
        return shlex.quote(word)
    plain = {"\\": "\\\\", "'": "\\'", "\n": "\\n"}
    return f"$'{''.join(plain.get(c) or (c if c.isprintable() else _escaped(c)) for c in word)}'"


def _escaped(character: str) -> str:
    """Its bytes in a file's name."""
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
