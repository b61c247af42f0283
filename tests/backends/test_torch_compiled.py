"""The torch backend through torch.compile."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.backends.torch_compiled import TorchCompiled
from runner.errors import ConfigError
from runner.experiment import run_experiment
from runner.outcome import Silent
from tests.helpers import make_setup

COMPILED = TorchCompiled(device="cpu", tf32=False)


def has_compiler() -> bool:
    try:
        COMPILED.check()
    except ConfigError:
        return False
    return True


@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler")
def test_it_agrees_with_eager_step_by_step() -> None:
    setup = make_setup("backend=[scratch,torch_compiled]", "data.samples=4", "optimizer=adam")
    verdict = run_experiment(setup, Silent()).verdict
    assert (verdict.verdict, verdict.judged_steps) == ("agree", 4)


@pytest.mark.parametrize("own", ["", "no-such-compiler"])
def test_without_a_compiler_it_is_refused(own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", own)
    with pytest.raises(ConfigError, match=r"C\+\+ compiler"):
        COMPILED.check()
