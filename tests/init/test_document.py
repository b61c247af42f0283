"""docs/init.md: every choice and its keys stand there, and every command in it describes a run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from runner.assemble import Setup
from runner.init.file import FORMATS
from runner.records.gradients import copy_parameters
from tests.helpers import CATALOG, make_setup

DOCUMENT = (Path(__file__).parents[2] / "docs" / "init.md").read_text(encoding="utf-8")
ROWS = {cells[0].strip(" `"): cells[1] for line in DOCUMENT.splitlines() if (cells := line[1:].split("|"))[1:]}
COMMANDS = re.findall(r"^(?:.*`|    )python -m runner(?: ([^`\n]*))?", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize("name", CATALOG.names("init"))
def test_every_choice_is_described_with_its_keys(name: str) -> None:
    keys = [str(key) for key in OmegaConf.load(CATALOG.find("init", name, "init")) if key != "_target_"]
    if name == "file":
        assert "init=file init.path=" in DOCUMENT
        assert all(f"`{suffix}`" in DOCUMENT for suffix in FORMATS)
    else:
        assert ROWS[name].strip(" `").split() == keys


NORMALISED = "[{layer: linear,out: 3},{layer: batch_norm1d},{layer: linear,out: 1}]"


def keep_run(folder: Path, setup: Setup) -> None:
    """The parameters as a run keeps them, those after its last step doubled."""
    folder.mkdir()
    first = {**setup.initial.parameters, **setup.initial.buffers}
    copy_parameters(folder / "parameters.safetensors", first, {name: 2 * value for name, value in first.items()})


@pytest.mark.parametrize("command", [command for command in COMMANDS if not command.startswith("--")])
def test_every_command_describes_a_run(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrays = {name: np.ones_like(value) for name, value in make_setup().initial.parameters.items()}
    np.savez("parameters.npz", allow_pickle=False, **arrays)
    keep_run(Path("RUN"), make_setup())
    assert all(np.isfinite(value).all() for value in make_setup(*shlex.split(command)).initial.parameters.values())


def test_the_lines_of_python_load_a_runs_last_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    setup = make_setup("architecture=sequential", f"architecture.layers={NORMALISED}", "batch_size=10")
    keep_run(Path("RUN"), setup)
    model = setup.problem.network.torch()
    (lines,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    exec(lines, {"model": model})
    for name, value in {**setup.initial.parameters, **setup.initial.buffers}.items():
        np.testing.assert_array_equal(model.state_dict()[name].numpy(), 2 * value)


def test_every_choice_has_a_command() -> None:
    found = {word for command in COMMANDS for word in command.split()} | {"init=torch_default"}
    assert {f"init={name}" for name in CATALOG.names("init")} <= found
