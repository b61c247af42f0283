"""What a value read from JSON or YAML should be, said once, and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.errors import shortened

Form = Any
"""A value's: a type (``float`` is any number); a tuple of what it may be, ``None``, words or at last a form; a dict of
the keys that an object has at least, each with its form, ``...`` standing for all keys; an ``Items`` or ``Exactly``."""

TYPES = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", dict: "an object"}


@dataclass(frozen=True)
class Items:
    """A list of ``least`` items or more, each of one form."""

    form: Form
    least: int = 0


@dataclass(frozen=True)
class Exactly:
    """A list of as many items as there are forms, one of each."""

    forms: tuple[Form, ...]


def check_form(value: object, form: Form, at: str = "") -> None:
    """Takes what has the form.

    Args:
        value: As JSON or YAML gives it.
        form: What it should be.
        at: Where it lies in its file, as keys and places in lists; empty for the whole.

    Raises:
        ValueError: It, or what is in it, is something else: one line tells where, what it is and what it should be.
    """
    if isinstance(form, tuple):
        if value in [one for one in form if one is None or isinstance(one, str)]:
            return
        if isinstance(form[-1], str):
            words = ["null" if one is None else one for one in form]
            raise _wrong(value, f"one of {', '.join(words)}", at)
        check_form(value, form[-1], at)
    elif isinstance(form, Items):
        if not isinstance(value, list) or len(value) < form.least:
            raise _wrong(value, f"a list of at least {form.least}" if form.least else "a list", at)
        for i, item in enumerate(value):
            check_form(item, form.form, f"{at}[{i}]")
    elif isinstance(form, Exactly):
        if not isinstance(value, list) or len(value) != len(form.forms):
            raise _wrong(value, f"a list of {len(form.forms)}", at)
        for i, (item, one) in enumerate(zip(value, form.forms, strict=True)):
            check_form(item, one, f"{at}[{i}]")
    elif isinstance(form, dict):
        _check_type(value, dict, at)
        assert isinstance(value, dict)
        for key, inner in form.items():
            for name in value if key is ... else [key]:
                below = f"{at}.{name}" if at else str(name)
                if name not in value:
                    raise ValueError(f"no {below}")
                check_form(value[name], inner, below)
    else:
        _check_type(value, form, at)


def _check_type(value: object, wanted: type, at: str) -> None:
    """In Python a truth value is a whole number, and a whole number no ``float``."""
    allowed = (int, float) if wanted is float else wanted
    if not isinstance(value, allowed) or (isinstance(value, bool) and wanted is not bool):
        raise _wrong(value, TYPES[wanted], at)


def _wrong(value: object, wanted: str, at: str) -> ValueError:
    return ValueError(f"{at or 'it'} is {shortened(value)}, not {wanted}")
