"""The lines of a journal, which anybody may have written: each is taken as it should be, or not at all."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from runner.errors import shortened
from runner.records.forms import Exactly, Form, Items, check_form

SCHEMA = 1
Entry = Mapping[str, Any]

TEXTS: Form = {...: str}
HEAD: Form = {
    "uri": str,
    "experiment": str,
    "name": str,
    "tags": TEXTS,
    "start_time": int,
    "run_id": (None, str),
    "nested": bool,
}
DATASET = {
    "name": str,
    "digest": str,
    "source_type": str,
    "source": str,
    "schema": (None, str),
    "profile": (None, str),
}
FORMS: Mapping[str, Form] = {
    "made": {"run_id": str},
    "log": {"metrics": Items(Exactly((str, float, int, int, bool))), "tags": TEXTS, "params": TEXTS},
    "inputs": {"inputs": Items({"dataset": DATASET, "tags": TEXTS})},
    "model": {"folder": str},
    "artifact": {"file": str},
    "end": {"status": ("FINISHED", "FAILED", "KILLED"), "at": int},
}
"""By what an entry's ``do`` says."""
LEFT_OUT: Mapping[str, Entry] = {"log": {"metrics": [], "tags": {}, "params": {}}}
"""What stands for what an entry does not have."""
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def read_head(line: str) -> Entry:
    """The first line: the run that is to be made, without ``journal``.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deeply.
    """
    found = {"run_id": None, "nested": False, **_read(line)}
    if found.get("journal") != SCHEMA:
        raise ValueError(f"no journal of schema {SCHEMA}")
    check_form(found, HEAD)
    _check_whole(found["start_time"], "start_time")
    return {key: found[key] for key in HEAD}


def read_entry(line: str) -> Entry:
    """Any other line.

    Raises:
        ValueError: It is none.
        RecursionError: It is nested too deeply.
    """
    found = _read(line)
    check_form(found, {"do": tuple(FORMS)})
    kind = found["do"]
    entry = {**LEFT_OUT.get(kind, {}), **found}
    check_form(entry, FORMS[kind])
    if kind == "end":
        _check_whole(entry["at"], "at")
    if kind == "log":
        for i, (_, value, at, step, _) in enumerate(entry["metrics"]):
            if not abs(value) <= sys.float_info.max:
                raise ValueError(f"metrics[{i}][1] is {shortened(value)}, not a finite number")
            _check_whole(at, f"metrics[{i}][2]")
            _check_whole(step, f"metrics[{i}][3]")
    return entry


def _read(line: str) -> dict[str, Any]:
    """An object, of texts that a store can hold."""
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError("no JSON") from error
    if not isinstance(found, dict):
        raise ValueError("no entry")
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("a text in it has half a character") from error
    if NUL.search(line):
        raise ValueError("a text in it has a NUL")
    return found


def _check_whole(number: int, at: str) -> None:
    """What databases hold of milliseconds and steps."""
    if not 0 <= number < 2**63:
        raise ValueError(f"{at} is {shortened(number)}, not a whole number from 0 of at most 63 bits")
