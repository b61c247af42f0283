"""What the tests run the program by tells how it ended, as a process of its own would."""

from __future__ import annotations

from pathlib import Path

import pytest

from .process import environment, finish, run, shell_environment

OWN = "backend=[function,torch]", "data.samples=2", "record.plots=false"
DIES = "import os\n\ndef backprop(parameters, x, y):\n    os.kill(os.getpid(), 9)\n"
RAISES = "def backprop(parameters, x, y):\n    raise ValueError('of a path of its own')\n"


def test_a_run_that_is_killed_is_no_exit_code(place: Path) -> None:
    (place / "dies.py").write_text(DIES, encoding="utf-8")
    with pytest.raises(RuntimeError, match="ended without its exit functions"):
        run(place, *OWN, "backend.function.path=dies.py:backprop")


def test_a_path_of_its_own_is_searched(place: Path, tmp_path: Path) -> None:
    (tmp_path / "raises.py").write_text(RAISES, encoding="utf-8")
    args = (*OWN, "backend.function.path=raises:backprop")
    assert "of a path of its own" in run(place, *args, env=environment(tmp_path)).out
    assert run(place, *args).code == 2


def test_a_shell_finds_the_program_and_python(tmp_path: Path) -> None:
    line = "python -m runner lr=abc; echo $?; python -m runner --cfg job --package seed | cat; python -c 'print(3)'"
    done = finish(tmp_path, ["/bin/sh", "-c", line], shell_environment())
    assert done.out.splitlines()[0] == "2"
    assert done.out.splitlines()[-2:] == ["1", "3"]
    assert done.err == "runner: lr: got abc; allowed: a number\n"
