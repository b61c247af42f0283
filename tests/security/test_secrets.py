"""What stands in the environment of a process stands in nothing that its run leaves; servers are for this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.process import ROOT, command, environment, finish, run
from tests.sharing import furnish

SECRET = "tell-nobody-4f1c"
NAMES = ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD", "HTTPS_PROXY_TOKEN", "MY_API_KEY")


def test_no_artifact_holds_a_variable_of_the_environment(tmp_path: Path, migrated: Path) -> None:
    furnish(tmp_path / "place", migrated)
    words = ("data.samples=4", "architecture.hidden=[2]", "record.model=true", "tracking.system_metrics=true")
    env = environment(**{name: f"{SECRET}-{i}" for i, name in enumerate(NAMES)})
    ended = finish(tmp_path / "place", command(*words), env)
    assert ended.code == 0, ended.err
    assert SECRET not in ended.out + ended.err
    files = [file for file in (tmp_path / "place").rglob("*") if file.is_file()]
    assert len(files) > 20
    assert [file for file in files if SECRET.encode() in file.read_bytes()] == []


@pytest.mark.parametrize("asked", [("--cfg", "job"), ("--cfg", "job", "--package", "tracking"), ("--info", "config")])
def test_a_configuration_with_a_password_is_not_shown(asked: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "own" / "tracking").mkdir(parents=True)
    own = f"defaults: [sqlite]\nuri: http://me:{SECRET}@127.0.0.1:9\n"
    (tmp_path / "own" / "tracking" / "ours.yaml").write_text(own, encoding="utf-8")
    refused = run(tmp_path, "--config-dir", "own", "tracking=ours", *asked)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("runner: configuration: got uri: http://***@127.0.0.1:9, with a password in it; ")
    assert refused.err.count("\n") == 1
    shown = run(tmp_path, *asked)
    assert (shown.code, shown.err) == (0, "")
    assert "uri: sqlite:///outputs/mlflow.db" in shown.out


DOCUMENTS = [ROOT / "Makefile", ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
COMMAND = re.compile(r"^.*\bmlflow (?:ui|server)\b.*$", re.MULTILINE)


def test_every_server_that_is_started_is_for_this_machine_alone() -> None:
    """MLflow's own default is 127.0.0.1 too; what names a host names that."""
    lines = [line for file in DOCUMENTS for line in COMMAND.findall(file.read_text(encoding="utf-8"))]
    assert lines
    assert [line for line in lines if "0.0.0.0" in line] == []
    sources = [file for name in ("runner", "tests", "documentation") for file in (ROOT / name).rglob("*.py")]
    assert [f for f in sources if f != Path(__file__) and "0.0.0.0" in f.read_text(encoding="utf-8")] == []


def test_temporary_folders_are_the_users_own() -> None:
    """No name in a folder that all users share can be foreseen: each is made by tempfile."""
    texts = {file: file.read_text(encoding="utf-8") for file in (ROOT / "runner").rglob("*.py")}
    assert [file for file, text in texts.items() if "/tmp" in text or "mktemp" in text] == []
