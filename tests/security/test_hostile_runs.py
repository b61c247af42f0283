"""A recorded run that somebody else wrote runs no code, whatever its configuration names, unless it is trusted."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from runner.commands import run_command

from .conftest import Alter, altered, has_run, leaf, write_payload

GROUPS = ("data", "target", "architecture", "init", "loss", "optimizer", "schedule", "clip", "backend.torch")
NAMES = (
    *("os.system", "builtins.eval", "subprocess.Popen", "evil.Payload", "evil.py:Payload", "evil:Payload"),
    *("run/files/torch/evil.py:Payload", "runner.py:Payload", "runner.py.Payload", "runner.os:system", "runner..x"),
)


def function(path: str) -> Alter:
    node = {"_target_": "runner.backends.function.Function", "layout": "torch", "names": None, "dtype": None}
    return leaf("backend.function", {**node, "path": path})


def alias(config: dict[str, Any]) -> None:
    config["backend"]["mine"] = {"use": "function", "path": "evil.py:run"}


HOSTILE: dict[str, tuple[Alter, str]] = {
    **{
        f"{g}={n}": (leaf(f"{g}._target_", n), f"{g}._target_={n}")
        for g in GROUPS
        for n in ("os.system", "evil.Payload")
    },
    **{f"data={name}": (leaf("data._target_", name), f"data._target_={name}") for name in NAMES},
    "a function of a file": (function("evil.py:run"), "backend.function.path=evil.py:run"),
    "a function of a module": (function("evil:run"), "backend.function.path=evil:run"),
    "a function of the system": (function("os:system"), "backend.function.path=os:system"),
    "a function of the program": (function("runner.shell:title_of"), "backend.function.path=runner.shell:title_of"),
    "a function kept in the run": (function("run/files/function/evil.py:run"), "files/function/evil.py:run"),
    "an alias": (alias, "backend.mine.path=evil.py:run"),
    "a layer": (
        leaf("architecture.layers", [{"layer": "sequential", "layers": [{"_target_": "evil.Payload"}]}]),
        "architecture.layers.0.layers.0._target_=evil.Payload",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_code_that_a_run_names_is_named_and_not_run(
    hostile: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    alter, told = HOSTILE[name]
    write_payload(hostile / "files" / "function" / "evil.py")
    altered(hostile, alter)
    assert run_command(["replay", "run"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("runner: RUN: got run, whose configuration names code that is not the program's own: ")
    assert told in err
    assert err.endswith("; allowed: a run of the program's own code; --trust runs the other, with your rights\n")
    assert not has_run(hostile.parent)


@pytest.mark.parametrize("name", ["a function of a file", "a layer"])
def test_nothing_that_reads_a_run_runs_its_code(
    hostile: Path, recorded: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    altered(hostile, HOSTILE[name][0])
    assert run_command(["compare", "run", str(recorded / "plain")]) == 0
    assert run_command(["export", "run", "all.npz"]) == 0
    assert run_command(["report", "run"]) == 0
    left_out = (
        "the network is left out, its configuration cannot be assembled: RUN: got run, whose configuration names "
    )
    assert (left_out in capsys.readouterr().out) == (name != "a function of a file")
    assert not has_run(hostile.parent)


def test_with_trust_it_is_run(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    altered(hostile, function("evil.py:run"))
    assert run_command(["replay", "run", "--trust"]) == 2
    assert "which a Python program handed over" in capsys.readouterr().err
    assert has_run(hostile.parent)


def test_a_file_of_ones_own_is_run_where_it_is_trusted(
    recorded: Path, hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["replay", str(recorded / "own")]) == 2
    assert "backend.function.path=my.py:backprop; allowed: " in capsys.readouterr().err
    assert run_command(["replay", "--trust", str(recorded / "own")]) == 0
    assert capsys.readouterr().out.startswith("my.py is gone: taken is files/function/my.py of the run folder\n")


@pytest.mark.parametrize("trust", [[], ["--trust"]], ids=["untrusted", "trusted"])
@pytest.mark.parametrize("value", ["${oc.env:SECRET}", "${runner.token:}", "x${seed}", "${oc.decode:'[1]'}"])
def test_what_is_recorded_is_not_resolved(
    hostile: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, trust: list[str]
) -> None:
    monkeypatch.setenv("SECRET", "tell-nobody")
    for key in ("data.path", "lr"):
        copy = Path(shutil.copytree(hostile, hostile.parent / f"copy-{key}"))
        altered(copy, leaf(key, value))
        assert run_command(["replay", copy.name, *trust]) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"runner: {key}: got {value}, in config.yaml of {copy.name}; allowed: plain values")
        assert "tell-nobody" not in err


def test_another_store_is_not_asked(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        altered(hostile, leaf("tracking.uri", f"http://127.0.0.1:{server.getsockname()[1]}"))
        assert run_command(["replay", "run"]) == 0
        with pytest.raises(TimeoutError):
            server.accept()
    assert capsys.readouterr().out.endswith("the same: the run was reproduced bit by bit\n")


def test_artifacts_that_were_altered_are_not_trusted_either(
    hostile: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(recorded / "store.db", "store.db")
    client = MlflowClient("sqlite:///store.db")
    place = hostile.parent / "artifacts"
    experiment = client.create_experiment("hostile", place.as_uri())
    run = client.create_run(experiment, run_name="innocent").info.run_id
    write_payload(hostile / "files" / "function" / "evil.py")
    client.log_artifacts(run, str(altered(hostile, function("evil.py:run"))))
    client.set_terminated(run)
    assert run_command(["replay", run, "tracking.uri=sqlite:///store.db"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"runner: RUN: got innocent ({run[:8]}), whose configuration names code ")
    assert not has_run(hostile.parent)
