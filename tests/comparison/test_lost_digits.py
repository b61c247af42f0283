"""What a run in float32 carries may have lost what its float64 twins need; nobody is to blame for that."""

from __future__ import annotations

from tests.helpers import kept, make_setup


def test_a_centred_variance_of_squares_that_underflow_is_undecided() -> None:
    """v - a^2 is 0 - 0 in float32; in float64 v begins at 0 and a does not, and the root is of a negative number."""
    one_weight = ["architecture.hidden=[]", "target=linear", "init=constant", "init.value=0.1"]
    tiny = ["data.low=1e-23", "data.high=2e-23", "batch_size=1", "data.samples=20"]
    found = kept(make_setup(*one_weight, *tiny, "optimizer=rmsprop", "optimizer.centered=true"))[0].verdict
    assert found.verdict == "undecided"
    assert not found.diverged
    assert found.first is not None
    assert found.first.tensor == "update/input_layer.weight"
    assert "not finite" in found.first.finding
