"""Distributions with numbers that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.data.helpers import data, refusal


@pytest.mark.parametrize(
    ("name", "changed", "key"),
    [
        ("uniform", {"samples": 0}, "samples"),
        ("uniform", {"features": -1}, "features"),
        ("uniform", {"low": 1.0}, "low"),
        ("uniform", {"low": float("nan")}, "low"),
        ("uniform", {"high": float("inf")}, "high"),
        ("uniform", {"low": -1.7e308, "high": 1.7e308}, "high"),
        ("uniform", {"held_out": 1.0}, "held_out"),
        ("uniform", {"held_out": -0.1}, "held_out"),
        ("uniform", {"held_out": float("nan")}, "held_out"),
        ("normal", {"std": 0.0}, "std"),
        ("normal", {"mean": float("inf")}, "mean"),
        ("lognormal", {"sigma": -1.0}, "sigma"),
        ("laplace", {"scale": 0.0}, "scale"),
        ("laplace", {"loc": float("nan")}, "loc"),
        ("student_t", {"df": 0.0}, "df"),
        ("exponential", {"scale": float("inf")}, "scale"),
        ("beta", {"a": 0.0}, "a"),
        ("beta", {"b": -1.0}, "b"),
        ("bernoulli", {"p": 1.5}, "p"),
        ("bernoulli", {"p": float("nan")}, "p"),
        ("categorical", {"categories": 0}, "categories"),
        ("categorical", {"probabilities": [0.5, 0.5]}, "probabilities"),
        ("categorical", {"probabilities": [0.5, 0.6, -0.1]}, "probabilities"),
        ("categorical", {"probabilities": [0.5, 0.2, 0.2]}, "probabilities"),
        ("categorical", {"probabilities": [float("nan"), 0.5, 0.5]}, "probabilities"),
        ("gaussian_mixture", {"components": 0}, "components"),
        ("gaussian_mixture", {"spread": -1.0}, "spread"),
        ("gaussian_mixture", {"std": 0.0}, "std"),
        ("gaussian_mixture", {"features": 0}, "features"),
        ("two_moons", {"noise": -0.1}, "noise"),
        ("spirals", {"arms": 0}, "arms"),
        ("spirals", {"turns": 0.0}, "turns"),
        ("spirals", {"noise": float("inf")}, "noise"),
        ("shapes", {"size": 7}, "size"),
        ("shapes", {"noise": -1.0}, "noise"),
        ("tokens", {"length": 0}, "length"),
        ("tokens", {"vocabulary": 0}, "vocabulary"),
        ("tokens", {"samples": 0}, "samples"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_by_their_key(name: str, changed: dict[str, Any], key: str) -> None:
    assert refusal(lambda: data(name, **changed)).key == f"data.{key}"


@pytest.mark.parametrize(
    ("name", "changed", "key"),
    [
        ("lognormal", {"mean": 700.0, "sigma": 50.0}, ""),
        ("student_t", {"df": 0.001}, ""),
        ("uniform", {"samples": 2**62}, "samples"),
        ("shapes", {"samples": 2**62}, "samples"),
        ("tokens", {"samples": 2**62}, "samples"),
        ("gaussian_mixture", {"samples": 2**62}, "samples"),
        ("two_moons", {"samples": 2**62}, "samples"),
    ],
)
def test_draws_that_do_not_fit_are_refused(name: str, changed: dict[str, Any], key: str) -> None:
    assert refusal(lambda: data(name, **changed).load(1, ())).key == key
