"""What a run or a sweep is found again by where its folder is not told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

RESUME_KEY = "resume_key"
"""The tag by which ``resume=true`` finds a run or a sweep again, whose folder it is not told."""


def key_of(kind: str, overrides: Sequence[str]) -> str:
    """Of a ``run`` or a ``sweep`` and its overrides, in their order, by which a sweep's jobs are numbered."""
    return hashlib.sha256(json.dumps([kind, *overrides]).encode()).hexdigest()
