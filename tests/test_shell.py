"""Overrides as a person types them."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from runner.shell import as_typed

TYPED = [
    *("a=../own/m.py:f", "a=${lr}", "a=${oc.env:HOME,x}", "a={b: m.py:f, c: [x:y, true]}", "a=x y", "a='x, y'"),
    *("+a=[x:y,z]", "a=true", "a=[true,false]", "a='True'", "a=null", "a=1", "a=0.1", "group@here=b"),
]
"""Nothing in them is escaped, and nothing needs to be."""

ESCAPED = [
    r"a=x\,y",
    r"a=x\=y",
    r"a=\[x\]",
    r"a=\{x\}",
    r"a=\(x\)",
    r"a=x\ ",
    r"a=x:y\,z",
    r"a=[x:y,z\,z]",
    r"a=x\\\\y",
]
"""Without a backslash they would say something else, or nothing."""


def swept(override: str) -> str:
    """The override as Hydra's sweeper hands it to a job."""
    read = OverridesParser.create().parse_override(override)
    return f"{read.get_key_element()}={read.get_value_element_as_str()}"


@pytest.mark.parametrize("override", [*TYPED, *ESCAPED])
def test_an_override_of_a_sweeps_job_is_told_as_it_was_typed(override: str) -> None:
    assert as_typed(swept(override)).replace(" ", "") == override.replace(" ", "")


@pytest.mark.parametrize(
    "override", [*TYPED, *ESCAPED, r"a=x\:y", r"a=x\\\:y\,z", r"a='x\:y'", r"a=$\{x\}\,y", "a=True"]
)
def test_what_is_told_says_the_same(override: str) -> None:
    parser = OverridesParser.create()
    meant, told = parser.parse_override(override), parser.parse_override(as_typed(swept(override)))
    assert (told.type, told.key_or_group, told.package, told.value()) == (
        *(meant.type, meant.key_or_group, meant.package, meant.value()),
    )
