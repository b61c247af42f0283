"""The swept keys and their columns."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from runner.records.sweep.values import as_kind, column_of, kind_of, swept_keys, values_of


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", "2"], pa.int64(), [1, 2]),
        (["1", "0.5"], pa.float64(), [1.0, 0.5]),
        (["1e-3", "2"], pa.float64(), [0.001, 2.0]),
        (["true", "false"], pa.bool_(), [True, False]),
        (["true", "1"], pa.string(), ["true", "1"]),
        (["sgd", "1"], pa.string(), ["sgd", "1"]),
        (["'1'", "'2'"], pa.string(), ["1", "2"]),
        (["null", "3"], pa.int64(), [None, 3]),
        (["[1,2]", "[3]"], pa.string(), ["[1,2]", "[3]"]),
        (["{a:1}", "b"], pa.string(), ["{a:1}", "b"]),
        (["9223372036854775808", "1"], pa.string(), ["9223372036854775808", "1"]),
        (["inf", "1"], pa.float64(), [float("inf"), 1.0]),
    ],
)
def test_a_column_has_the_type_of_what_was_typed(texts: list[str], kind: pa.DataType, values: list[object]) -> None:
    found = [values_of([f"key={text}"])["key"] for text in texts]
    assert kind_of(found) == kind
    assert pa.array([as_kind(value, kind) for value in found], kind).to_pylist() == values


def test_the_keys_that_are_swept_are_told_from_those_that_are_set() -> None:
    typed = ["lr=0.01,0.05", "seed=range(1,4)", "data.samples=20", "+backend.mine={use: function}", "dtype=choice(a,b)"]
    parsed = OverridesParser.create().parse_overrides([*typed, "batch_size=interval(1,9)", "epochs=range(1,1000)"])
    assert swept_keys(parsed) == {
        "lr": "0.01,0.05",
        "seed": "1,2,3",
        "dtype": "a,b",
        "batch_size": "interval(1,9)",
        "epochs": "range(1,1000)",
    }


def test_values_of_a_swept_key_are_told_as_they_were_typed() -> None:
    parsed = OverridesParser.create().parse_overrides(["file=../m.py:f,'a,b',[a:b],${lr},c\\,d"])
    assert swept_keys(parsed) == {"file": "../m.py:f,'a,b',[a:b],${lr},c\\,d"}


def test_a_key_that_is_added_has_the_name_of_the_key() -> None:
    assert values_of(["+a.b=1", "data@x=uniform"]) == {"a.b": 1, "data@x": "uniform"}


def test_a_key_never_takes_the_column_of_what_is_measured() -> None:
    assert [column_of(key) for key in ("loss", "backend", "verdict", "lr")] == [
        *("override/loss", "override/backend", "override/verdict", "lr"),
    ]
