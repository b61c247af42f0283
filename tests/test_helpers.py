"""What the tests compose with a short cut is what Hydra composes."""

from __future__ import annotations

import pytest
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from tests.helpers import chosen, composed

LAYERS = "architecture.layers=[{layer: linear, out: 3}, {layer: tanh}, {layer: linear, out: 1}]"
OVERRIDES = [
    ("lr=0.5", "optimizer=adam", "optimizer.betas=[0.5,0.9]", "seed=3", "lr=0.25"),
    ("architecture=sequential", LAYERS, "backend=[missing_slope,torch]", "tracking.uri='sqlite:///a b.db'"),
    ("experiment=digits_lenet", "epochs=1", "data.held_out=0.5", "record.every=2"),
    ("+backend.third={use: scratch}", "data=inline", "data.x=[[1.0]]", "data.y=[[2.0]]", "~backend.torch", "seed=2"),
]


@pytest.mark.parametrize("overrides", OVERRIDES, ids=lambda overrides: overrides[1])
def test_values_set_after_the_choices_are_as_hydra_sets_them(overrides: tuple[str, ...]) -> None:
    for_once = chosen.__wrapped__(overrides)
    for _ in range(2):
        assert OmegaConf.to_yaml(composed.__wrapped__(overrides)) == OmegaConf.to_yaml(for_once)


def test_a_key_that_is_not_known_is_refused_as_hydra_refuses_it() -> None:
    for compose in (chosen.__wrapped__, composed.__wrapped__):
        with pytest.raises(ConfigCompositionException, match=r"Could not override 'optimizer\.betas'"):
            compose(("optimizer.betas=1",))
