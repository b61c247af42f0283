"""Samples that are held out, and standardisation by the others."""

from __future__ import annotations

import numpy as np
import pytest

from runner.data import store
from runner.data.base import Parts, Samples, Stream, generator
from runner.data.split import split
from runner.data.standardise import adjust
from runner.data.store import Store, blocks_of, permutation
from tests.data.helpers import both, data, drawn, refusal, y_of
from tests.helpers import same_bits


def samples(n: int) -> Samples:
    return Samples(np.arange(2.0 * n).reshape(n, 2), np.arange(n), {"name": np.arange(n).astype(np.str_)})


@pytest.mark.parametrize(
    ("n", "held_out", "count"), [(100, 0.2, 20), (10, 0.01, 1), (2, 0.1, 1), (7, 0.5, 4), (3, 0.6, 2), (10, 0.25, 2)]
)
def test_the_parts_are_disjoint_and_complete_and_their_rows_stay_together(n: int, held_out: float, count: int) -> None:
    parts = both(split(samples(n), held_out, 1))
    assert [len(part.x) for part in parts] == [n - count, count]
    assert sorted(np.concatenate([y_of(part) for part in parts]).tolist()) == list(range(n))
    for part in parts:
        np.testing.assert_array_equal(part.x, np.stack([2 * y_of(part), 2 * y_of(part) + 1], axis=1))
        assert part.columns["name"].tolist() == [str(k) for k in y_of(part)]


def test_the_last_of_the_split_streams_permutation_are_held_out() -> None:
    order = generator(3, Stream.SPLIT).permutation(50)
    train, held_out = both(split(samples(50), 0.3, 3))
    assert y_of(train).tolist() == order[:35].tolist()
    assert y_of(held_out).tolist() == order[35:].tolist()
    assert y_of(both(split(samples(50), 0.3, 4))[1]).tolist() != order[35:].tolist()


def test_without_held_out_samples_all_stay_in_their_order() -> None:
    whole = samples(9)
    parts = split(whole, 0.0, 1)
    assert parts.train is whole
    assert parts.held_out is None


def test_what_is_drawn_does_not_depend_on_how_much_is_held_out() -> None:
    whole, parts = drawn("uniform", 2), both(data("uniform", held_out=0.25).load(2, ()))
    rows = np.concatenate([part.x for part in parts])
    assert sorted(rows.tolist()) == sorted(whole.x.tolist())


@pytest.mark.parametrize(("n", "held_out"), [(1, 0.1), (2, 0.9), (3, 0.99)])
def test_a_sample_must_be_left_to_learn_from(n: int, held_out: float) -> None:
    assert refusal(lambda: split(samples(n), held_out, 1)).key == "held_out"


def test_both_parts_are_scaled_by_the_training_part_alone() -> None:
    rng = np.random.default_rng(5)
    x, other = rng.normal([5.0, -1e6], [2.0, 1e-3], (200, 2)), rng.normal(100.0, 7.0, (30, 2))
    parts = Parts(Samples(x.copy()), Samples(other.copy()))
    adjust(parts, ["a", "b"], fill=False, scale=True)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    train, held_out = both(parts)
    np.testing.assert_allclose(train.x, (x - mean) / deviation, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(held_out.x, (other - mean) / deviation, rtol=1e-6)
    np.testing.assert_allclose(train.x.mean(axis=0), 0, atol=1e-6)


def test_scaling_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(6).normal(4.0, 2.0, (1000, 3))
    found = []
    for block in (2**22, 70, 1):
        monkeypatch.setattr(store, "BLOCK", block)
        parts = Parts(Samples(x.copy()))
        adjust(parts, ["a", "b", "c"], fill=False, scale=True)
        found.append(parts.train.x)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found[2], found[0], rtol=1e-12, atol=1e-13)


def test_a_range_beyond_float64_is_refused() -> None:
    parts = Parts(Samples(np.array([[1.0, -1.7e308], [2.0, 1.7e308]])))
    error = refusal(lambda: adjust(parts, ["a", "b"], fill=False, scale=True))
    assert error.key == "standardise"
    assert "'b'" in str(error)


@pytest.mark.parametrize("limit", [2**28, 100, 0])
def test_a_store_gives_back_its_rows_wherever_they_lie(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "IN_MEMORY", limit)
    rng = np.random.default_rng(8)
    blocks = [rng.normal(size=(n, 3, 2)) for n in (1, 0, 5, 20)]
    kept = Store()
    for block in blocks:
        kept.append(block)
    found = kept.array()
    assert isinstance(found, np.memmap) == (limit < 2**28)
    assert same_bits(np.asarray(found), np.concatenate(blocks))
    found[0] = 7.0
    assert (found[0] == 7).all()


@pytest.mark.parametrize("limit", [2**28, 0])
def test_a_permutation_is_numpys_wherever_it_lies(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "IN_MEMORY", limit)
    monkeypatch.setattr(store, "BLOCK", 1000)
    np.testing.assert_array_equal(
        permutation(1001, np.random.default_rng(3)), np.random.default_rng(3).permutation(1001)
    )


@pytest.mark.parametrize("block", [1, 16, 17, 2**22])
def test_blocks_are_all_rows_once(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BLOCK", block)
    array = np.arange(33.0)
    np.testing.assert_array_equal(np.concatenate([array[part] for part in blocks_of(array)]), array)
