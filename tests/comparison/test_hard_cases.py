"""Right functions that are easily called wrong, and mistakes in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runner.arrays import Array
from tests.comparison.hard_cases import RIGHT, Case
from tests.comparison.hard_functions import SEED
from tests.comparison.plain import Function, judge, largest, told

MISTAKES: dict[str, Callable[[Array, int, float], Array]] = {
    "all by a little": lambda value, at, small: value * (1 + small),
    "one element by a little": lambda value, at, small: value * (1 + small * (np.arange(value.size) == at)),
    "a factor 2": lambda value, at, small: 2 * value,
    "the other sign": lambda value, at, small: -value,
}


def mistaken(case: Case, mistake: str) -> Function:
    """The case's function with a mistake in the gradient of its first parameter."""
    name = next(iter(case.parameters))
    at = largest(case.user, case.library, name, case.parameters, case.x, case.y)

    def function(p: Any, x: Any, y: Any) -> dict[str, Any]:
        found = dict(case.user(p, x, y))
        value = np.array(found[name])
        found[name] = MISTAKES[mistake](value.ravel(), at, case.small).reshape(value.shape)
        return found

    return function


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_is_not_called_wrong(name: str, request: pytest.FixtureRequest) -> None:
    case = RIGHT[name]
    if case.why:
        request.applymarker(pytest.mark.xfail(strict=True, reason=case.why))
    judged = judge(case.user, case.library, case.parameters, case.x, case.y)
    assert judged.verdict in (("agree", "imprecise") if case.lossy else ("agree",)), (SEED, told(judged))


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_mistake_in_it_is_found(name: str, mistake: str) -> None:
    case = RIGHT[name]
    judged = judge(mistaken(case, mistake), case.library, case.parameters, case.x, case.y)
    assert judged.verdict in ({"mismatch", "imprecise", "undecided"} if case.vague else {"mismatch"}), (
        SEED,
        told(judged),
    )


@pytest.mark.parametrize("name", RIGHT)
def test_the_two_functions_of_a_case_differ(name: str) -> None:
    """Else nothing is tried. (Rounded indices and subnormal numbers apart, where they may come out equal.)"""
    case = RIGHT[name]
    left, right = (f(case.parameters, case.x, case.y) for f in (case.user, case.library))
    same = all(np.array_equal(left[key], right[key]) for key in right)
    assert same == (name == "indices from float arithmetic"), SEED
