"""Class indices that do not count, from the data to the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.errors import ConfigError
from tests.helpers import kept, make_setup

PADDED = np.array([0, -100, 1, 1, -100, -100])
INLINE = ("data=inline", "data.x=[[0.1],[0.2],[0.3],[0.4],[0.5],[0.6]]", f"data.y={PADDED.tolist()}".replace(" ", ""))
FROM = ("target=given", "batch_size=3", "architecture.hidden=[3]", "architecture.out=2")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_a_run_goes_on_without_what_is_ignored(loss: str, dtype: str) -> None:
    outcome, seen = kept(make_setup(*INLINE, *FROM, f"loss={loss}", f"dtype={dtype}"))
    assert outcome.verdict.verdict == "agree"
    for epoch in seen.epochs:
        assert epoch.train["scratch"].accuracy in (0, 1 / 3, 2 / 3, 1)


def test_arrays_may_hold_indices_that_are_ignored(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(6.0), y=PADDED)
    setup = make_setup("data=npz", f"data.path={tmp_path / 'a.npz'}", *FROM, "loss=cross_entropy")
    assert setup.y.tolist() == PADDED.tolist()


def test_an_index_that_is_no_class_and_not_ignored_is_refused_by_its_sample() -> None:
    with pytest.raises(ConfigError) as raised:
        make_setup(*INLINE, *FROM, "loss=cross_entropy", "loss.ignore_index=-1")
    allowed = "from 0 to 1: the network has 2 outputs; or loss.ignore_index, -1"
    assert str(raised.value) == f"target: got a class index -100 in sample 1; allowed: {allowed}"
