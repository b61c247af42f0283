"""Numbers of the configuration that the run's dtype cannot hold."""

from __future__ import annotations

import pytest

from runner.errors import ConfigError
from tests.helpers import make_setup

LAYERS = "architecture.layers=[{layer: linear, out: 3}, %s, {layer: linear, out: 1}]"
TANH = "{layer: hardtanh, max_val: 1000000}"  # as whole a number as a vocabulary
HALF, SINGLE = "dtype=float16", "dtype=float32"

BEYOND = [
    ([HALF, "lr=1e5"], "lr: got 100000.0"),
    ([HALF, "lr=65510"], "lr: got 65510.0"),
    (["dtype=bfloat16", "lr=3.4e38"], "lr: got 3.4e+38"),
    ([HALF, "clip=value", "clip.clip_value=1e5"], "clip.clip_value: got 100000.0"),
    ([SINGLE, "clip=value", "clip.clip_value=1e39"], "clip.clip_value: got 1e+39"),
    ([HALF, "loss=huber", "loss.delta=1e5"], "loss.delta: got 100000.0"),
    ([HALF, "loss=bce_with_logits", "target=xor", "loss.pos_weight=[1e5]"], "loss.pos_weight.0: got 100000.0"),
    (
        [HALF, "optimizer=sgd", "optimizer.momentum=0.5", "optimizer.dampening=-1e6"],
        "optimizer.dampening: got -1000000.0",
    ),
    (
        [HALF, "optimizer=adagrad", "optimizer.initial_accumulator_value=1e6"],
        "optimizer.initial_accumulator_value: got 1000000.0",
    ),
    ([HALF, "schedule=one_cycle", "schedule.max_lr=1e6"], "schedule.max_lr: got 1000000.0"),
    ([HALF, "architecture=sequential", LAYERS % TANH], "architecture.layers.1.max_val: got 1000000.0"),
    (
        [HALF, "architecture=sequential", LAYERS % f"{{layer: residual, layers: [{{layer: tanh}}, {TANH}]}}"],
        "architecture.layers.1.layers.1.max_val: got 1000000.0",
    ),
]


@pytest.mark.parametrize(("overrides", "words"), BEYOND, ids=lambda v: " ".join(v)[:60] if isinstance(v, list) else "")
def test_a_number_beyond_the_dtype_is_refused_by_its_key(overrides: list[str], words: str) -> None:
    largest = {"float16": "65504", "bfloat16": "3.3895314e+38", "float32": "3.4028235e+38"}
    dtype = overrides[0].removeprefix("dtype=")
    with pytest.raises(ConfigError) as raised:
        make_setup(*overrides)
    allowed = f"a number in the range of {dtype}: at most {largest[dtype]} in size"
    assert str(raised.value) == f"{words}; allowed: {allowed}"


@pytest.mark.parametrize(
    "overrides",
    [
        [HALF, "lr=65504"],
        [HALF, "clip=norm", "clip.norm_type=inf"],
        ["dtype=float64", "clip=value", "clip.clip_value=1e300"],
        [
            HALF,
            "data=tokens",
            "target=given",
            "architecture=transformer_small",
            "architecture.vocabulary=100000",
            "loss=cross_entropy",
        ],
    ],
    ids=str,
)
def test_what_the_dtype_holds_infinities_and_whole_numbers_are_taken(overrides: list[str]) -> None:
    make_setup(*overrides)
