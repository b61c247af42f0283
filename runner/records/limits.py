"""What MLflow takes of names and values, and what becomes of those that it would refuse, or cut without a word."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from runner.records.files import utf8

LONGEST_PARAM = 6000
LONGEST_TAG = 8000
LONGEST_NAME = 250
LONGEST_KEY = 250
RENAMED = "renamed/"
"""Before a key that had to be changed, the name of the tag that says what it is."""
NOT_IN_KEYS = re.compile(r"[^\w.\-: /]")
DIGITS = 8


def name_taken(name: str) -> str:
    """A run's name as MLflow takes it."""
    return _text(name)[:LONGEST_NAME]


def param_taken(value: Any) -> str:
    """A parameter's value; one that is too long as its SHA-256."""
    return _value(value, LONGEST_PARAM)


def tag_taken(value: Any) -> str:
    """A tag's value; one that is too long as its SHA-256."""
    return _value(value, LONGEST_TAG)


def key_taken(key: str) -> str:
    """The key of a parameter, metric or tag: as it is where MLflow takes it, which nearly always holds.

    Otherwise what is refused becomes ``_``, what is too long is cut, and some digits of the key's SHA-256 follow, so
    that no two keys become one.
    """
    path = posixpath.normpath(key)
    unique = path == key and not path.startswith(("..", "/")) and path != "."
    if len(key) <= LONGEST_KEY and unique and not NOT_IN_KEYS.search(key):
        return key
    whole = key if unique else key.replace("/", "_").lstrip(".")
    digits = hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()[:DIGITS]
    room = LONGEST_KEY - len(RENAMED) - len(digits) - 1
    return f"{NOT_IN_KEYS.sub('_', whole)[:room]}-{digits}"


def renamed(keys: Iterable[str]) -> Mapping[str, str]:
    """The tags that tell what ``key_taken`` has changed."""
    changed = {key_taken(key): key for key in keys}
    return {RENAMED + taken: tag_taken(key) for taken, key in changed.items() if taken != key}


def _value(value: Any, longest: int) -> str:
    text = _text(str(value))
    return text if len(text) <= longest else hashlib.sha256(text.encode()).hexdigest()


def _text(text: str) -> str:
    """PostgreSQL takes no NUL."""
    return utf8(text).replace("\0", "\\0")
