"""Right backends at the edge of the numbers: agree, or diverged with the first step and tensor; never anything else."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from runner.errors import ConfigError
from tests.edge.judged import inline, judged, layers
from tests.helpers import CATALOG, make_setup

DECADES = range(-30, 31, 3)
BOTH = ("float32", "float64")
LINEAR = "linear, out: 1"


class Case(NamedTuple):
    """Overrides, and what becomes of the run: its verdict and, where it diverges, the first step and tensor."""

    name: str
    overrides: tuple[str, ...]
    verdict: str = "agree"
    step: int | None = None
    tensor: str | None = None


@pytest.mark.parametrize("dtype", BOTH)
def test_features_of_any_scale(dtype: str) -> None:
    """Layers without a bias too: what they compute is as small, or as large, as the features."""
    bare = layers("linear, out: 3, bias: false", "tanh", "linear, out: 1, bias: false")
    for k in DECADES:
        scale = ("target=teacher", f"data.low=-1e{k}", f"data.high=1e{k}", f"dtype={dtype}")
        for more in ((), ("architecture.activation=relu",), ("architecture.activation=softsign",), (bare,)):
            found = judged(*scale, *more)
            assert found.verdict in (("agree", "diverged") if k >= 6 and more else ("agree",)), (k, more, found[:3])
            assert (found.verdict == "diverged") == (not _finite(found.records)), (k, more)


def _finite(records: object) -> bool:
    steps = [step for record in records.records for step in record.steps.values()]  # type: ignore[attr-defined]
    return all(np.isfinite(v).all() for s in steps for v in (s.loss, s.prediction, *s.gradients.values()))


@pytest.mark.parametrize("node", ["silu", "mish", "gelu, approximate: tanh"])
def test_what_has_vanished_far_out_is_not_made_much_of_by_a_large_input(node: str) -> None:
    """Of 1 - sigmoid(z) rounding has left 0, and of z times that nothing either, however large z is."""
    network = layers("linear, out: 6", node, "linear, out: 6", node, LINEAR)
    for k in (5, 8, 12):
        for seed in range(4):
            scale = ("target=teacher", f"data.low=-1e{k}", f"data.high=1e{k}", "dtype=float64", f"seed={seed}")
            assert judged(*scale, network).verdict == "agree", (k, seed)


@pytest.mark.parametrize(("dtype", "least", "most"), [("float16", -6, 3), ("bfloat16", -30, 30)])
def test_features_of_any_scale_in_16_bits(dtype: str, least: int, most: int) -> None:
    for k in range(least, most + 1, 3):
        found = judged("target=teacher", f"data.low=-1e{k}", f"data.high=1e{k}", f"dtype={dtype}")
        assert found.verdict == "agree", (k, found[:3])


@pytest.mark.parametrize("name", CATALOG.names("loss"))
def test_targets_and_parameters_of_any_scale(name: str) -> None:
    """Through each loss; what ends in probabilities is saturated."""
    last = {"bce": ["sigmoid"], "nll": ["log_softmax"], "kl_div": ["log_softmax"]}.get(name, [])
    given = inline([[0.5, -1.0], [1.0, 2.0], [-2.0, 0.0]], [0, 1, 0])
    if name not in ("cross_entropy", "nll"):
        given = inline([[0.5, -1.0], [1.0, 2.0], [-2.0, 0.0]], [[0.0, 1.0], [0.25, 0.75], [1.0, 0.0]])
    for k in (-30, -9, -3, 3, 4, 9, 18):
        for dtype in BOTH:
            network = layers("linear, out: 2", "linear, out: 2", *last)
            found = judged(*given, f"loss={name}", network, "init=normal", f"init.std=1e{k}", f"dtype={dtype}")
            assert found.verdict in ("agree", "diverged"), (k, dtype, found[:3])
            assert (found.verdict == "diverged") == (not _finite(found.records)), (k, dtype, found[:3])


@pytest.mark.parametrize("name", CATALOG.names("optimizer"))
@pytest.mark.parametrize("dtype", BOTH)
def test_gradients_that_are_zero_and_huge_ones(name: str, dtype: str) -> None:
    """Adam's 0 / 0, squares that overflow, and a decay that overflows: the update is finite, or the run diverges."""
    zero = inline([[0.0, 0.0], [0.0, 0.0]], [[0.0], [0.0]])
    assert judged(*zero, "init=zeros", f"optimizer={name}", f"dtype={dtype}", "epochs=2").verdict == "agree"
    for k in (9, 15, 25):
        huge = inline([[1.0, -1.0], [2.0, 0.5]], [[f"-1e{k}"], [f"1e{k}"]])
        found = judged(*huge, layers("linear, out: 1"), f"optimizer={name}", f"dtype={dtype}", "epochs=2")
        assert found.verdict in ("agree", "diverged"), (k, found[:3])


CASES = [
    Case("lr 1e30", ("lr=1e30", "epochs=3"), "diverged", 1, "loss"),
    Case("lr 1e30 in float64", ("lr=1e30", "dtype=float64")),
    Case("lr 1e300", ("lr=1e300", "dtype=float64", "epochs=3"), "diverged", 1, "loss"),
    Case("lr 1e30 with tanh", ("lr=1e30", "architecture.activation=tanh", "epochs=3"), "diverged", 1, "loss"),
    Case("lr 1e30 of adam", ("lr=1e30", "optimizer=adam", "epochs=3"), "diverged", 1, "loss"),
    Case("lr 0", ("lr=0",)),
    Case("each on its own way", ("lr=1e30", "lockstep=false", "epochs=3"), "diverged", 1, "loss"),
    Case("momentum that overflows", ("lr=1e18", "optimizer.momentum=0.9", "epochs=9"), "diverged", 2, "prediction"),
    Case("decay times lr", ("lr=1e20", "optimizer.weight_decay=1e20", "epochs=2"), "diverged", 0, None),
    Case("loss 1e30", (*inline([[1.0]], [["1e15"]]), "batch_size=1")),
    Case("loss 1e38", (*inline([[1.0]], [["1e19"]]), "batch_size=1")),
    Case("loss beyond float32", inline([[1.0]], [["1e20"]]), "diverged", 0, "loss"),
    Case("a clipped gradient of 0", (*inline([[0.0]], [[0.0]]), "init=zeros", "clip=norm")),
    Case("a norm that overflows", (*inline([[1.0]], [["1e19"]]), "clip=norm", "lr=1e-9")),
    Case("clipped by value", (*inline([[1.0]], [["1e19"]]), "clip=value")),
    Case("dead relus", ("architecture.activation=relu", "init=constant", "init.value=-1.0", "epochs=2")),
    Case("saturated sigmoids", ("init=constant", "init.value=100.0", "epochs=2")),
    Case("saturated in float64", ("init=constant", "init.value=1000.0", "dtype=float64", "epochs=2")),
    Case("a single sample", ("data.samples=1", "batch_size=1")),
    Case("width 1", ("architecture.hidden=[1,1,1]", "data.features=1")),
    Case("a huge batch", ("data.samples=20000", "batch_size=20000")),
    Case("constant features", ("data.low=0.5", "data.high=0.5000000000000001", "dtype=float64")),
    Case("normalised constants", (*inline([[2.0, 2.0]] * 3, [[1.0]] * 3), layers("layer_norm", LINEAR))),
    Case("constants over the batch", (*inline([[2.0, 3.0]] * 3, [[1.0]] * 3), layers("batch_norm1d", LINEAR))),
    Case("constant groups", (*inline([[2.0, 2.0]] * 3, [[1.0]] * 3), layers("group_norm, num_groups: 1", LINEAR))),
    Case("zeros over their rms", (*inline([[0.0, 0.0]] * 3, [[1.0]] * 3), layers("rms_norm", LINEAR))),
    Case("one class", (*inline([[1.0], [2.0]], [0, 0]), "loss=cross_entropy", layers("linear, out: 3"))),
    Case("one class of one", (*inline([[1.0], [2.0]], [0, 0]), "loss=cross_entropy", layers("linear, out: 1"))),
    Case("logits 1e4", (*inline([["1e4"], ["-1e4"]], [0, 1]), "loss=cross_entropy", layers("linear, out: 3"))),
    Case("logits 1e30", (*inline([["1e30"], ["-1e30"]], [0, 1]), "loss=cross_entropy", layers("linear, out: 3"))),
    Case(
        "probabilities 0 and 1",
        (*inline([["1e6"], ["-1e6"]], [[1.0], [1.0]]), "loss=bce", layers(LINEAR, "sigmoid")),
    ),
    Case(
        "huber at its delta",
        (*inline([[1.0], [2.0]], [[1.0], [3.0]]), "loss=huber", layers(LINEAR), "init=constant", "init.value=0.0"),
    ),
    Case(
        "l1 at 0",
        (*inline([[1.0], [2.0]], [[0.0], [0.0]]), "loss=l1", layers(LINEAR), "init=constant", "init.value=0.0"),
    ),
    Case(
        "rows that are not used",
        (
            *inline([[1, 1], [1, 1]], [0, 1]),
            "data.tokens=true",
            "loss=cross_entropy",
            layers("embedding, num_embeddings: 9, embedding_dim: 2", "flatten", "linear, out: 2"),
        ),
    ),
    Case("nothing dropped", (layers("linear, out: 3", "dropout, p: 0.0", LINEAR),)),
    Case("nearly all dropped", (layers("linear, out: 9", "dropout, p: 0.999", LINEAR), "epochs=3")),
    Case(
        "attention to one token",
        (
            *inline([[1], [0]], [0, 1]),
            "data.tokens=true",
            "loss=cross_entropy",
            layers(
                "embedding, num_embeddings: 2, embedding_dim: 2",
                "multi_head_attention, num_heads: 1",
                "flatten",
                "linear, out: 2",
            ),
        ),
    ),
    Case(
        "ties in a pool",
        (
            "data=shapes",
            "data.noise=0.0",
            "data.size=8",
            "target=given",
            "loss=cross_entropy",
            layers("max_pool2d, kernel_size: 2", "flatten", "linear, out: 4"),
        ),
    ),
    Case("subnormal features", ("data.low=-1e-40", "data.high=1e-40", "target=teacher")),
    Case("subnormal in float64", ("data.low=-1e-310", "data.high=1e-310", "target=teacher", "dtype=float64")),
    Case(
        "subnormal gradients",
        ("data.low=-1e-40", "data.high=1e-40", "target=teacher", "init=constant", "init.value=1e-20"),
    ),
    Case("subnormal parameters", ("init=constant", "init.value=1e-42", "optimizer=adam")),
    Case("subnormal lr", ("lr=1e-42",)),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_edge(case: Case) -> None:
    found = judged(*case.overrides)
    assert found.verdict == case.verdict, [(c.verdict, c.finding, c.suspects) for c in found.records.comparisons]
    if case.verdict == "diverged":
        assert found.step == case.step
        assert case.tensor in (None, found.tensor)


def test_depth_300() -> None:
    for dtype in BOTH:
        found = judged(
            f"architecture.hidden=[{','.join(['2'] * 299)}]",
            "architecture.activation=tanh",
            f"dtype={dtype}",
            "data.samples=2",
            "batch_size=2",
            "init=orthogonal",
        )
        assert found.verdict == "agree", found[:3]


@pytest.mark.parametrize(
    ("words", "key", "told"),
    [
        ((layers("batch_norm1d", LINEAR), "batch_size=1"), "batch_size", "at least 2 samples a batch"),
        (
            (layers("batch_norm1d", LINEAR), "data.samples=1", "batch_size=1"),
            "batch_size",
            "at least 2 samples a batch",
        ),
        ((*inline([[1.0]], [3]), "loss=cross_entropy", layers("linear, out: 3")), "target", "3"),
        ((*inline([[1.0]], [-1]), "loss=cross_entropy", layers("linear, out: 3")), "", "-1"),
        (
            (
                *inline([[9]], [0]),
                "data.tokens=true",
                "loss=cross_entropy",
                layers("embedding, num_embeddings: 9, embedding_dim: 2", "flatten", "linear, out: 2"),
            ),
            "data",
            "9",
        ),
        ((*inline([[1.0]], [[2.0]]), "loss=bce", layers(LINEAR, "sigmoid")), "target", "2"),
        ((*inline([[1.0]], [["nan"]]),), "data", "nan"),
        ((*inline([["inf"]], [[1.0]]),), "data", "inf"),
        ((*inline([["1e39"]], [[1.0]]),), "data", "float32"),
        (("init=constant", "init.value=1e39"), "init", "float32"),
        (("data.low=-1e30", "data.high=1e30"), "target", "float32"),
    ],
)
def test_what_is_beyond_the_edge_is_refused(words: tuple[str, ...], key: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_setup(*words)
    assert str(refused.value).startswith(key)
    assert told in str(refused.value)
