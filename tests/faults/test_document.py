"""docs/faults.md is what the faults give, on any machine; and every fault is found on the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.faults.document import Line, document, line_of, read
from tests.faults.fault import Fault, assert_is_found
from tests.faults.library import EVERY
from tests.faults.others import relative_error

TEXT = (Path(__file__).parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
LINES = read(TEXT)


def by_the_formulas(line: Line) -> Line:
    """Without what the machine's rounding decides."""
    return replace(line, roundings="", others=tuple(said.replace("rounding", "right") for said in line.others))


def decade(line: Line) -> float:
    return float(np.log10(float(line.roundings)))


@pytest.mark.parametrize("fault", EVERY, ids=[fault.name for fault in EVERY])
def test_a_fault_is_found_where_it_begins_and_its_line_is_what_it_gives(fault: Fault) -> None:
    line, outcome = line_of(fault)
    if fault.verdict != "agree":
        assert_is_found(fault, outcome)
    written = LINES[fault.name]
    assert by_the_formulas(line) == by_the_formulas(written)
    assert decade(line) == decade(written) or abs(decade(line) - decade(written)) <= 1


def test_the_document_is_made_of_its_lines_and_of_nothing_else() -> None:
    assert sorted(LINES) == sorted(fault.name for fault in EVERY)
    assert document(LINES) == TEXT


def test_a_line_is_read_as_it_is_written() -> None:
    line = Line("a_b", "|z| and a_b", "mismatch", "1e14", "slope_missing + bias_mean", ("wrong",) * 4)
    assert read(str(line)) == {"a_b": line}


def test_relative_error_is_that_of_the_worst_element_and_none_where_both_are_0() -> None:
    a, n = np.array([1.0, 0.0, -2.0]), np.array([1.0, 0.0, -2.5])
    assert relative_error({"w": a}, {"w": n}) == pytest.approx(0.2)
    assert relative_error({"w": a}, {"w": a}) == 0
