"""The shell's completion, as docs/commands.md installs it: asked in a bash of its own."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from runner.commands import COMMANDS
from tests.cli.process import environment, finish

ASK = """
eval "$(runner -sc install=bash)" || exit 1
COMP_LINE=$1 COMP_POINT=${#1}
read -ra COMP_WORDS <<<"$1"
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
$(complete -p runner | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shell in which ``runner`` is the program that is tested."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "runner"
    lines = ["import sys", "from runner.__main__ import main", "sys.exit(main())"]
    program.write_text("\n".join([f"#!{sys.executable}", *lines, ""]), encoding="utf-8")
    program.chmod(0o755)
    return environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")


def completed(line: str, folder: Path, env: dict[str, str]) -> list[str]:
    """What bash offers for a line that ends where Tab is pressed."""
    done = finish(folder, ["bash", "-c", ASK, "bash", line], env)
    assert done.err == ""
    assert not list(folder.glob("outputs"))
    return done.out.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("runner loss=c", ["loss=cross_entropy"]),
        ("runner seed=1 experiment=digits_l", ["experiment=digits_lenet", "experiment=digits_lstm"]),
        ("runner optimizer=adam optimizer.be", ["optimizer.betas."]),
        ("runner gra", ["grade"]),
        ("runner re", ["record.", "record=", "replay", "replicas=", "report", "resume="]),
        ("runner report a-f", ["a-folder"]),
        ("runner export a-folder a-f", ["a-folder"]),
    ],
)
def test_bash_completes(tmp_path: Path, env: dict[str, str], line: str, offered: list[str]) -> None:
    (tmp_path / "a-folder").mkdir()
    assert sorted(completed(line, tmp_path, env)) == offered


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_every_command_and_group_is_offered_at_the_beginning(tmp_path: Path, env: dict[str, str]) -> None:
    offered = completed("runner ", tmp_path, env)
    assert {*COMMANDS, "loss=", "optimizer=", "seed="} <= set(offered)
