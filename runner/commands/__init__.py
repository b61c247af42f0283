"""Commands that are no runs: each is one file here, known by the first word of the command line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from runner.errors import BAD_INPUT, NOT_FINISHED, ConfigError, RunError
from runner.printing import is_refused
from runner.secrecy import check_words

Command = Callable[[list[str]], int]
"""The words after the command's own name -> exit code."""


def _compare(argv: list[str]) -> int:
    from runner.commands.compare import compare

    return compare(argv)


def _export(argv: list[str]) -> int:
    from runner.commands.export import export

    return export(argv)


def _grade(argv: list[str]) -> int:
    from runner.commands.grade import grade

    return grade(argv)


def _new_backprop(argv: list[str]) -> int:
    from runner.commands.new_backprop import new_backprop

    return new_backprop(argv)


def _replay(argv: list[str]) -> int:
    from runner.commands.replay import replay

    return replay(argv)


def _report(argv: list[str]) -> int:
    from runner.commands.report import report

    return report(argv)


def _runs(argv: list[str]) -> int:
    from runner.commands.runs import runs

    return runs(argv)


def _sync(argv: list[str]) -> int:
    from runner.commands.sync import sync

    return sync(argv)


COMMANDS: dict[str, Command] = {
    "compare": _compare,
    "export": _export,
    "grade": _grade,
    "new-backprop": _new_backprop,
    "replay": _replay,
    "report": _report,
    "runs": _runs,
    "sync": _sync,
}
"""What each imports is imported when it is called."""


def run_command(argv: list[str]) -> int:
    """The exit code of the command that ``argv`` begins with; what is wrong is told in one line on stderr."""
    try:
        check_words(argv)
        _check_place()
        return COMMANDS[argv[0]](argv[1:])
    except ConfigError as error:
        print(f"runner: {error}", file=sys.stderr)
        return BAD_INPUT
    except RunError as error:
        print(f"runner: {error}", file=sys.stderr)
        return NOT_FINISHED
    except Exception as error:  # a fault of the program, which must not end with 1: that is a verdict
        if is_refused(error):
            raise
        traceback.print_exc()
        return NOT_FINISHED


def _check_place() -> None:
    """Raises ConfigError where the working folder was deleted: no path that is not absolute leads anywhere."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError("command line", "a working folder that is gone", "one that is there") from error


def complete(line: str) -> bool:
    """Prints the commands that a line about to be completed may mean, beside what Hydra prints.

    True if it has one already: what follows are names of runs and files, no overrides.
    """
    first, blank, _ = line.partition(" ")[2].lstrip().partition(" ")
    if blank:
        return first in COMMANDS
    for name in COMMANDS:
        if name.startswith(first):
            print(name)
    return False
