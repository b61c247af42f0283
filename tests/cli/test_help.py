"""--help and --cfg job, and that neither they nor a rejected input load the heavy packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from runner.commands import COMMANDS
from runner.hydra_errors import parse_flags

from .process import ROOT, command, environment, finish, run

CONF = ROOT / "conf"
HEAVY = {"torch", "mlflow", "pandas", "matplotlib"}


def choices() -> list[tuple[str, str]]:
    found = [(path.parent.name, path.stem) for path in sorted(CONF.glob("*/*.yaml"))]
    return [(group, name) for group, name in found if group not in ("layer", "hydra")]


def keys(path: Path) -> list[str]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [key for key in content if key not in ("_target_", "defaults", "hydra")]


def expected() -> Iterator[str]:
    """Every KEY= and GROUP=CHOICE that the folder of configuration holds."""
    yield from keys(CONF / "config.yaml")
    for group, name in choices():
        yield f"{group}={name}"
        prefix = f"backend.{name}" if group == "backend" else group
        if group != "experiment":
            yield from (f"{prefix}.{key}" for key in keys(CONF / group / f"{name}.yaml"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    finished = run(tmp_path_factory.mktemp("help"), "--help")
    assert (finished.code, finished.err) == (0, "")
    return finished.out


@pytest.mark.parametrize("entry", sorted(set(expected())))
def test_help_lists_every_key_and_choice_with_words(entry: str, page: str) -> None:
    if "=" in entry:
        assert re.search(rf"^ +{re.escape(entry)}(?: \*)?  \w.{{5,}}$", page, re.MULTILINE)
    else:
        assert re.search(rf"^ +{re.escape(entry)}=\S.*?  +\S.{{5,}}$", page, re.MULTILINE)


@pytest.mark.parametrize("layer", sorted(path.stem for path in (CONF / "layer").glob("*.yaml")))
def test_help_lists_every_layer_and_its_keys_with_words(layer: str, page: str) -> None:
    block = re.search(rf"^ +{{layer: {layer}}}  \S.*\n((?:      .*\n)*)", page, re.MULTILINE)
    assert block
    for key in keys(CONF / "layer" / f"{layer}.yaml"):
        assert re.search(rf"^ +{key}=\S.*?  +\S.{{5,}}$", block[1], re.MULTILINE), key


def test_help_lists_the_choices_of_each_group_and_marks_the_defaults(page: str) -> None:
    for group in {group for group, _ in choices()}:
        names = sorted(name for g, name in choices() if g == group)
        assert re.search(rf"^ +{group}: {', '.join(names)}$", page, re.MULTILINE)
    marked = re.findall(r"^ +(\w+=\w+) \*", page, re.MULTILINE)
    assert {"data=uniform", "architecture=mlp", "backend=scratch", "backend=torch", "loss=sse"} <= set(marked)
    assert not {"data=inline", "loss=mse", "experiment=assignment"} & set(marked)


def test_help_tells_the_exit_codes_and_how_to_run(page: str) -> None:
    assert "0 agree, 1 disagree, 2 bad input, 3 could not finish" in page
    assert "python -m runner lr=0.05 seed=1" in page


def test_help_lists_every_command_with_words(page: str) -> None:
    (block,) = re.findall(r"^Commands \(.*\)\n((?:  .*\n)*)", page, re.MULTILINE)
    found = [re.fullmatch(r"  python -m runner ([\w-]+)( [A-Z]+)*  +\w.{10,}", line) for line in block.splitlines()]
    assert sorted(match[1] for match in found if match) == sorted(COMMANDS)
    assert all(found)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_every_line_to_be_typed_is_one_that_bash_and_the_program_take(page: str, tmp_path: Path) -> None:
    lines = re.findall(r"^  (python -m runner .*?)  ", page, re.MULTILINE)
    assert len(lines) == 3 + len(COMMANDS)
    for line in lines:
        words = finish(tmp_path, ["bash", "-c", f"printf '%s\\n' {line}"])
        assert (words.code, words.err) == (0, ""), line
        first, *rest = words.out.splitlines()[3:]
        if first not in COMMANDS:
            assert OverridesParser.create().parse_overrides(parse_flags([first, *rest]).overrides)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["reprot", "0d5ca8a9"], "report"),
        (["help"], "--help"),
        (["comapre", "lr=0.05 seed=1", "lr=0.05 seed=2"], "compare"),
        (["new_backprop", "my.py"], "new-backprop"),
    ],
    ids=["reprot", "help", "comapre", "new_backprop"],
)
def test_a_misspelt_command_is_told_the_commands(tmp_path: Path, words: list[str], near: str) -> None:
    finished = run(tmp_path, *words)
    assert (finished.code, finished.out, finished.err.count("\n")) == (2, "", 1)
    assert finished.err.startswith(f"runner: command line: got '{words[0]}'; allowed: KEY=VALUE, GROUP=CHOICE, ")
    assert finished.err.endswith(f" (did you mean {near}?)\n")
    assert set(COMMANDS) <= set(re.findall(r"[\w-]+", finished.err))
    assert "EQUAL" not in finished.err


@pytest.mark.parametrize("args", [["--help"], ["--cfg", "job"], ["runs", "--help"]], ids=" ".join)
def test_a_reader_that_goes_away_ends_it_quietly(args: list[str], tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command(*args), cwd=tmp_path, env=environment(), stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")
    assert not list(tmp_path.iterdir())


def test_cfg_job_prints_the_configuration_as_yaml(tmp_path: Path) -> None:
    finished = run(tmp_path, "--cfg", "job", "lr=0.1", "data.samples=7")
    assert (finished.code, finished.err) == (0, "")
    config = yaml.safe_load(finished.out)
    assert (config["lr"], config["data"]["samples"], config["seed"]) == (0.1, 7, 1)
    assert list(config["backend"]) == ["scratch", "torch"]
    assert config["architecture"]["hidden"] == [10, 10]


LIGHT = {
    "help": ["--help"],
    "cfg": ["--cfg", "job"],
    "unknown_key": ["learning_rate=1"],
    "type": ["lr=abc"],
    "range": ["data.low=2"],
    "combination": ["batch_size=101"],
    "shapes": ["architecture.out=2"],
    "file": ["init=file", "init.path=nothing.npz"],
    "tracking": ["tracking.uri=ftp://nowhere"],
    "empty_sweep": ["-m", "data=glob(x*)"],
}


@pytest.mark.parametrize("case", LIGHT)
def test_nothing_heavy_is_imported_unless_a_run_begins(case: str, tmp_path: Path) -> None:
    finished = run(tmp_path, *LIGHT[case], options=("-X", "importtime"))
    imported = {line.rpartition("|")[2].strip() for line in finished.err.splitlines() if line.startswith("import time")}
    assert {"hydra", "runner.config"} <= imported
    heavy = HEAVY | {"numpy"} if case in ("help", "cfg") else HEAVY
    assert not {name for name in imported if name.partition(".")[0] in heavy}


@pytest.mark.parametrize("args", [["--help"], ["--cfg", "job"], ["--hydra-help"], ["--version"]])
def test_asking_leaves_nothing_behind(args: list[str], tmp_path: Path) -> None:
    assert run(tmp_path, *args).code == 0
    assert not list(tmp_path.iterdir())
