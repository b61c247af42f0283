"""The program as it is installed from a wheel, a source archive and a clone, run in folders that know nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Built
from .installed import Done, Environment, execute, must

FOREIGN = {
    "conf/config.yaml": "defaults:\n  - model: elephantine\n  - _self_\nlr: not a number\n",
    "conf/data/uniform.yaml": "_target_: their.own.Thing\nsamples: -1\n",
    "conf/model/elephantine.yaml": "layers: 99\n",
}


def foreign(folder: Path) -> None:
    """A folder of some other project that uses Hydra too."""
    for name, text in FOREIGN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def check(done: Done, folder: Path, steps: int) -> None:
    """It agreed, and everything that it wrote lies in ``outputs`` of the folder that it was run in."""
    assert (done.code, done.err) == (0, "")
    assert f"differ by rounding alone, over {steps} judged steps" in done.out
    assert (folder / "outputs" / "mlflow.db").is_file()
    (verdict,) = (folder / "outputs" / "runs").glob("*/*/verdict.json")
    assert verdict.is_file()
    assert {path.name for path in folder.iterdir()} <= {"outputs", "conf"}


def test_the_wheel_runs_as_a_module_in_an_empty_folder(built: Built, environment: Environment, tmp_path: Path) -> None:
    environment.hold(str(built.wheel))
    assert environment.location(tmp_path).is_relative_to(environment.folder)
    check(execute([environment.python, "-m", "runner", "lr=0.05", "seed=1"], tmp_path), tmp_path, 100)


def test_the_wheels_command_runs_in_a_folder_with_a_conf_of_another_project(
    built: Built, environment: Environment, tmp_path: Path
) -> None:
    environment.hold(str(built.wheel))
    foreign(tmp_path)
    check(execute([environment.program, "data.samples=3"], tmp_path), tmp_path, 3)
    for name, text in FOREIGN.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_the_wheel_brings_the_published_numbers(built: Built, environment: Environment, tmp_path: Path) -> None:
    environment.hold(str(built.wheel))
    foreign(tmp_path)
    done = execute([environment.python, "-m", "runner", "experiment=assignment"], tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "hidden_layer_2 b_deviation" in done.out


def test_all_that_is_installed_fits_together(environment: Environment, tmp_path: Path) -> None:
    assert "No broken requirements" in must([environment.python, "-m", "pip", "check"], tmp_path)
    assert must([environment.python, "-c", "import torch; print(torch.__version__)"], tmp_path).startswith("2.13.0")


def test_the_source_archive_installs_and_runs_both_ways(built: Built, environment: Environment, tmp_path: Path) -> None:
    environment.hold(str(built.archive))
    assert environment.location(tmp_path).is_relative_to(environment.folder)
    for name, start in (("module", [environment.python, "-m", "runner"]), ("command", [environment.program])):
        (tmp_path / name).mkdir()
        foreign(tmp_path / name)
        check(execute([*start, "data.samples=3"], tmp_path / name), tmp_path / name, 3)


@pytest.mark.parametrize("way", ["module", "command"])
def test_a_clone_installs_as_editable_and_runs(
    way: str, built: Built, environment: Environment, tmp_path: Path
) -> None:
    environment.hold("-e", str(built.sources))
    assert environment.location(tmp_path).is_relative_to(built.sources)
    foreign(tmp_path)
    start = [environment.program] if way == "command" else [environment.python, "-m", "runner"]
    check(execute([*start, "data.samples=3"], tmp_path), tmp_path, 3)
    assert not any(path.is_file() for path in (built.sources / "outputs").glob("**/*") if path.name != ".gitkeep")


def test_help_of_the_installed_program_lists_the_packages_own_choices(
    built: Built, environment: Environment, tmp_path: Path
) -> None:
    environment.hold(str(built.wheel))
    foreign(tmp_path)
    done = execute([environment.program, "--help"], tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "data=uniform *  Every feature uniform in [low, high)." in done.out
    assert "elephantine" not in done.out
