"""What the files of arrays have in common."""

from __future__ import annotations

from dataclasses import dataclass

from runner.data.files.base import TableFile


@dataclass(frozen=True, kw_only=True)
class ArrayFile(TableFile):
    """With ``tokens``, x is whole numbers from 0, int64, which are not standardised."""

    tokens: bool
