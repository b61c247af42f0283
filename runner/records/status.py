"""status.json: how a job ended. It is the last file of a folder that gets its name."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.errors import AGREE, BAD_INPUT, DISAGREE, NOT_FINISHED
from runner.records.files import begun, finite, part_of, publish
from runner.records.forms import Form, Items, check_form

STATUS = "status.json"
CODES = (AGREE, DISAGREE, BAD_INPUT, NOT_FINISHED)
FIGURES = ("loss", "roundings", "logic_roundings", "drift")
FORM: Form = {"status": int, "overrides": Items(str), "number": (None, int)}
MORE: dict[str, Form] = {
    **dict.fromkeys(("sweep", "run_id"), (None, str)),
    **dict.fromkeys(("verdict", "message", "unsent"), str),
    **dict.fromkeys(FIGURES, (None, float)),
    "objective": (None, *FIGURES),
    "losses": {...: Items((None, float), 2)},
    "once_synced": {"status": int},
}
"""What it may have besides."""


def read_status(folder: Path) -> dict[str, Any]:
    """A job's status; a job that left none, or one that is damaged, could not finish."""
    found = _read(folder / STATUS)
    return {"status": NOT_FINISHED, "overrides": [], "folder": str(folder), "number": None} if found is None else found


def prepare_status(folder: Path, status: Mapping[str, Any]) -> None:
    """Writes it to the disk beside its place, for ``write_status`` to put it there.

    From before the MLflow run is FINISHED until after it is.
    """
    with begun(folder / STATUS) as part, part.open("w", encoding="utf-8") as file:
        file.write(json.dumps(finite(dict(status)), indent=2, allow_nan=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def prepared_status(folder: Path) -> dict[str, Any] | None:
    """What was prepared and not put in its place; None where there is none that is whole."""
    return _read(part_of(folder / STATUS))


def write_status(folder: Path, status: Mapping[str, Any]) -> None:
    """Puts it in its place; one that is prepared already is not written again, so that it is whole at any moment."""
    if prepared_status(folder) != json.loads(json.dumps(finite(dict(status)))):
        prepare_status(folder, status)
    publish_status(folder)


def publish_status(folder: Path) -> None:
    """Puts what is prepared in its place."""
    publish(folder / STATUS)


def remove_status(folder: Path) -> None:
    """Removes what an earlier run has left."""
    (folder / STATUS).unlink(missing_ok=True)
    part_of(folder / STATUS).unlink(missing_ok=True)


def is_done(status: Mapping[str, Any] | None, overrides: list[str], sweep: str | None) -> bool:
    """Whether the job of these overrides came to its end with a verdict; ``sweep`` is the MLflow run of its sweep."""
    return (
        status is not None
        and status.get("status") in (AGREE, DISAGREE)
        and "verdict" in status
        and status.get("overrides") == overrides
        and status.get("sweep") == sweep
    )


def figure_of(status: Mapping[str, Any]) -> float | None:
    """What a sweeper that searches is told of a job: what ``objective`` names, if it is a finite number.

    A run that diverged has no such figure, whatever it was when it ended.
    """
    value: float | None = status.get(status.get("objective") or "")
    return None if value is None or not math.isfinite(value) or status.get("verdict") == "diverged" else value


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        check_form(found, FORM)
        check_form(found, {key: form for key, form in MORE.items() if key in found})
    except (OSError, ValueError):
        return None
    status: dict[str, Any] = found
    codes = [status["status"], *([status["once_synced"]["status"]] if "once_synced" in status else [])]
    return status if all(code in CODES for code in codes) else None
