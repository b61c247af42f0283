"""The data sets that are bundled."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.helpers import both, data, refusal, target, y_of

SETS = {"iris": (150, 4, 3), "wine": (178, 13, 3), "breast_cancer": (569, 30, 2)}


@pytest.mark.parametrize(("name", "size"), SETS.items())
def test_classes_and_standardised_features(name: str, size: tuple[int, int, int]) -> None:
    count, features, classes = size
    train, held_out = both(data(name).load(1, ()))
    assert train.x.shape == (count - round(0.2 * count), features)
    assert held_out.x.shape == (round(0.2 * count), features)
    assert y_of(train).dtype == np.int64
    assert set(y_of(train).tolist()) == set(range(classes))
    np.testing.assert_allclose(train.x.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(train.x.std(axis=0), 1, rtol=1e-10)
    assert np.abs(held_out.x.mean(axis=0)).max() > 1e-3


def test_iris_as_fisher_measured_it() -> None:
    samples = data("iris", standardise=False, held_out=0.0).load(1, ()).train
    assert samples.x[0].tolist() == [5.1, 3.5, 1.4, 0.2]
    assert np.bincount(y_of(samples)).tolist() == [50, 50, 50]


@pytest.mark.parametrize(("name", "column"), [("iris", "petal_length"), ("wine", "ash"), ("diabetes", "bmi")])
def test_a_target_takes_a_feature_by_name(name: str, column: str) -> None:
    plain = data(name, standardise=False).load(1, ())
    parts = data(name, standardise=False).load(1, (column,))
    y, _ = target("column", name=column).make(parts, 1)
    assert parts.train.x.shape[1] == plain.train.x.shape[1] - 1
    assert y.shape == (len(plain.train.x), 1)
    assert any(np.array_equal(y[:, 0], feature) for feature in plain.train.x.T)
    assert not any(np.array_equal(y[:, 0], feature) for feature in parts.train.x.T)


def test_a_feature_that_is_not_there_is_refused_with_a_near_miss() -> None:
    error = refusal(lambda: data("iris").load(1, ("petal_lenght",)))
    assert "did you mean petal_length?" in str(error)
    everything = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    assert refusal(lambda: data("iris").load(1, everything)).key == ""
    assert "'a'" in str(refusal(lambda: data("digits").load(1, ("a",))))


def test_diabetes_is_a_number_that_is_standardised_by_the_training_part() -> None:
    raw, scaled = data("diabetes", standardise_y=False), data("diabetes")
    (train, held_out), (train_z, held_out_z) = both(raw.load(1, ())), both(scaled.load(1, ()))
    y, rest = y_of(train), y_of(held_out)
    assert y.shape == (354, 1)
    assert (min(y.min(), rest.min()), max(y.max(), rest.max())) == (25, 346)
    np.testing.assert_allclose(y_of(train_z), (y - y.mean()) / y.std(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(y_of(held_out_z), (rest - y.mean()) / y.std(), rtol=1e-10, atol=1e-12)
    raw_x = data("diabetes", standardise=False).load(1, ()).train.x
    assert raw_x[:, 0].min() == 19  # years, not what scikit-learn scales over all patients


def test_digits_are_images_or_rows_from_0_to_1() -> None:
    images, rows = (data("digits", flat=flat).load(1, ()).train for flat in (False, True))
    assert images.x.shape == (1438, 1, 8, 8)
    assert np.array_equal(images.x.reshape(1438, 64), rows.x)
    assert (rows.x.min(), rows.x.max()) == (0, 1)
    assert set(y_of(images).tolist()) == set(range(10))


def test_two_loads_share_nothing() -> None:
    one, other = data("iris", held_out=0.0), data("iris", held_out=0.0, standardise=False)
    one.load(1, ())
    assert other.load(1, ()).train.x[0].tolist() == [5.1, 3.5, 1.4, 0.2]
