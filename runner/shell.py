"""A command line as a person types it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

ESCAPED = ("()[]{}:=, \t\\", "()", "[]", "{}", ":", "=", ",", " \t", "\\")
"""What Hydra's sweeper puts a backslash before: all of it, then what needs it, or needs it not, together."""


def shell_line(words: Sequence[str]) -> str:
    """The words as a shell takes them."""
    return " ".join(map(_quoted, words))


def title_of(overrides: Iterable[str]) -> str:
    """The name of a run or of a sweep: its overrides as they were typed."""
    return " ".join(overrides) or "default"


def lasting(overrides: Iterable[str]) -> list[str]:
    """The overrides that say what is run: without ``resume``, which says that it has begun before."""
    return [override for override in overrides if override.lstrip("+").partition("=")[0] != "resume"]


@lru_cache(maxsize=1024)
def as_typed(override: str) -> str:
    """An override of a sweep's job, as Hydra's sweeper writes it, as a person does; it says the same.

    Without the escapes that its value does not need, and with ``true`` and ``false`` in small letters.
    """
    simpler = re.sub(r"\b(True|False)\b", lambda found: found[0].lower(), override)
    override = simpler if simpler != override and _read(simpler) == _read(override) else override
    if "\\" not in override:
        return override
    meant = _read(override)
    for letters in ESCAPED:
        simpler = re.sub(rf"\\([{re.escape(letters)}])", r"\1", override)
        if _read(simpler) == meant:
            override = simpler
    return override


def _read(override: str) -> Override | None:
    """What an override says, however it is written; None where Hydra cannot read it."""
    try:
        return replace(OverridesParser.create().parse_override(override), input_line=None)
    except HydraException:
        return None


def _quoted(word: str) -> str:
    """A word as a shell takes it; what cannot be typed or shown stands as escapes, as bash and zsh read them."""
    if word.isprintable():
        return shlex.quote(word)
    plain = {"\\": "\\\\", "'": "\\'", "\n": "\\n"}
    return f"$'{''.join(plain.get(c) or (c if c.isprintable() else _escaped(c)) for c in word)}'"


def _escaped(character: str) -> str:
    """Its bytes in a file's name."""
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
