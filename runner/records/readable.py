"""Files of a run's folder that are missing, or not what they should be, are told in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from runner.errors import ConfigError
from runner.records.forms import Form, check_form

ALLOWED = "the folder of a run that has ended, or its MLflow run"
UNREADABLE = (OSError, ValueError, RecursionError, yaml.YAMLError)
"""What a file that is missing, or is not what its name says, makes its reader raise."""


def document(folder: Path, name: str, load: Callable[[str], Any], form: Form) -> Any:
    """What ``load`` makes of the text of a file, which has this form."""
    with reading(folder, name):
        found = load((folder / name).read_text(encoding="utf-8"))
        check_form(found, form)
    return found


@contextmanager
def reading(folder: Path, name: str) -> Iterator[None]:
    """Tells of a file that is missing, unreadable or not what it should be in one line that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ConfigError("RUN", f"{folder}, which has no {name}", ALLOWED) from error
    except UNREADABLE as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError("RUN", f"{folder} ({name}: {words})", ALLOWED) from error
