"""Tokens from files of arrays: whole numbers that stay whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.formats import stored
from tests.data.helpers import both, data, refused
from tests.helpers import run, same_bits

RNG = np.random.default_rng(11)
X = RNG.integers(5, size=(40, 4))
KINDS = ["npz", "npy"]
NETWORK = [
    "target=given",
    "loss=cross_entropy",
    "architecture=sequential",
    "architecture.layers=[{layer: embedding,num_embeddings: 5,embedding_dim: 3},{layer: flatten},"
    "{layer: linear,out: 2}]",
    "batch_size=8",
]


def saved(kind: str, x: Any, folder: Path) -> str:
    path = folder / f"tokens.{kind}"
    if kind == "npy":
        np.save(path, x)
    else:
        np.savez(path, x=x)
    return str(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["int64", "uint8", "int32", "float64"])
@pytest.mark.parametrize("missing", ["refuse", "drop", "mean"])
def test_tokens_stay_whole_and_are_not_standardised(kind: str, dtype: str, missing: str, tmp_path: Path) -> None:
    path = saved(kind, X.astype(dtype), tmp_path)
    source = data(kind, path=path, tokens=True, standardise=True, missing=missing)
    assert same_bits(source.load(1, ()).train.x, X)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_held_out_and_columns_taken_for_a_target(kind: str, tmp_path: Path) -> None:
    source = data(kind, path=saved(kind, X, tmp_path), tokens=True, held_out=0.25)
    train, held_out = both(source.load(1, ("3",)))
    assert (train.x.shape, held_out.x.shape) == ((30, 3), (10, 3))
    found = np.column_stack(
        [np.concatenate([train.x, held_out.x]), np.concatenate([train.columns["3"], held_out.columns["3"]])]
    )
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, X.tolist()))
    assert train.x.dtype == np.int64


def test_columns_of_an_archive_are_tokens_too(tmp_path: Path) -> None:
    path = stored("npz", {"a": X[:, 0], "b": X[:, 1]}, tmp_path)
    assert same_bits(data("npz", path=path, tokens=True).load(1, ()).train.x, np.ascontiguousarray(X[:, :2]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("value", "told"),
    [(-3, "-3"), (1.5, "1.5"), (np.nan, "nan"), (np.inf, "inf"), (np.uint64(2**63), "9223372036854775808")],
)
def test_what_is_no_token_is_told_with_its_place(kind: str, value: Any, told: str, tmp_path: Path) -> None:
    x = X.astype(np.asarray(value).dtype)
    x[12, 2] = value
    key, line = refused(kind, saved(kind, x, tmp_path), tokens=True, missing="drop")
    assert key == "path"
    assert line.endswith(f"row 13, column '2': {told}; allowed: whole numbers from 0, as data.tokens is true")


def test_a_small_network_learns_from_tokens_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.npz"
    np.savez(path, x=X, y=(X[:, 0] > 1).astype(np.int64))
    outcome = run("data=npz", f"data.path={path}", "data.tokens=true", *NETWORK, "epochs=20", "lr=1.0")
    assert outcome.verdict.agree
    for first, last in outcome.losses.values():
        assert last < first / 3
