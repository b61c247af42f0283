"""Commands that are no runs: each is one file here, known by the first word of the command line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from runner.errors import BAD_INPUT, NOT_FINISHED, ConfigError, RunError

Command = Callable[[list[str]], int]
"""The words after the command's own name -> exit code."""


def _grade(argv: list[str]) -> int:
    from runner.commands.grade import grade

    return grade(argv)


def _new_backprop(argv: list[str]) -> int:
    from runner.commands.new_backprop import new_backprop

    return new_backprop(argv)


COMMANDS: dict[str, Command] = {"grade": _grade, "new-backprop": _new_backprop}
"""What each imports is imported when it is called."""


def run_command(argv: list[str]) -> int:
    """The exit code of the command that ``argv`` begins with; what is wrong is told in one line on stderr."""
    try:
        return COMMANDS[argv[0]](argv[1:])
    except ConfigError as error:
        print(f"runner: {error}", file=sys.stderr)
        return BAD_INPUT
    except RunError as error:
        print(f"runner: {error}", file=sys.stderr)
        return NOT_FINISHED
    except Exception:  # a fault of the program, which must not end with 1: that is a verdict
        traceback.print_exc()
        return NOT_FINISHED
