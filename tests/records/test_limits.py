"""Names and values that MLflow would refuse, or cut without a word."""

from __future__ import annotations

import random
import secrets
from pathlib import Path

import pytest
from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

from runner.records.limits import LONGEST_KEY, key_taken, param_taken, renamed, tag_taken
from runner.records.mlflow import MlflowRun
from tests.cli.stores import client, only_run, uri
from tests.sharing import furnish

KEPT = ("lr", "loss/torch", "deviation/max_abs/hidden_layer_1.weight", "a:b c-d", "é", "x" * LONGEST_KEY)
ODD = ("a[0]", "a,b", "..", "../up", "/root", "a//b", "a/./b", "a\0b", "x" * 251, "x" * 3000, "ü" * 300, ".", "a/", "%")


@pytest.mark.parametrize("key", KEPT)
def test_a_name_that_mlflow_takes_stays(key: str) -> None:
    assert key_taken(key) == key
    assert renamed([key]) == {}


@pytest.mark.parametrize("key", ODD, ids=repr)
def test_a_name_that_it_refuses_is_told_in_a_tag(key: str) -> None:
    taken = key_taken(key)
    for validate in (_validate_metric_name, _validate_param_name, _validate_tag_name):
        validate(taken)  # type: ignore[no-untyped-call]
    ((tag, told),) = renamed([key]).items()
    _validate_tag_name(tag)  # type: ignore[no-untyped-call]
    assert max(len(tag), len(taken)) <= LONGEST_KEY
    assert told == key.replace("\0", "\\0")


def test_no_two_names_become_one() -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    keys = {"".join(rng.choices("ab./[],-_ :", k=rng.randint(1, 6))) for _ in range(5000)}
    keys |= {"x" * 300 + str(k) for k in range(100)}
    taken = {key_taken(key) for key in keys}
    assert len(taken) == len(keys)
    for key in taken:
        _validate_metric_name(key)  # type: ignore[no-untyped-call]


def test_values_that_are_too_long_are_their_checksums() -> None:
    assert param_taken("x" * 6000) == "x" * 6000
    assert len(param_taken("x" * 6001)) == 64
    assert tag_taken("x" * 8000) == "x" * 8000
    assert len(tag_taken("x" * 8001)) == 64
    assert param_taken("a\0b\udcff") == "a\\0b\\udcff"


def test_a_store_takes_all_of_it(tmp_path: Path, migrated: Path) -> None:
    place = tmp_path / "place"
    furnish(place, migrated)
    made = MlflowRun(uri(place), "runner")
    params = {"backend": {"names": {"a[0]": "x", "..": "y", "p" * 400: "z" * 7000}}, **{f"p{k}": k for k in range(250)}}
    made.start("n" * 400, params, {"t" * 300: "v" * 9000, "a[0]": "b"})
    made.log({"loss/[odd]": 1.5, "loss/" + "m" * 400: float("inf"), "loss/plain": float("nan")}, 3)
    made.finish("FINISHED", {f"tag{k}": str(k) for k in range(250)}, place, [])
    found = only_run(client(place)).data
    assert len(found.params) == 253
    assert found.metrics == {key_taken("loss/[odd]"): 1.5}
    assert found.tags["nonfinite.loss/plain"] == "3"
    assert found.tags[key_taken("nonfinite.loss/" + "m" * 400)] == "3"
    told = {value for key, value in found.tags.items() if key.startswith("renamed/")}
    names = ("backend.names.a[0]", "backend.names." + "p" * 400, "loss/[odd]", "nonfinite.loss/" + "m" * 400, "a[0]")
    assert set(names) <= told
