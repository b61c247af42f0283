"""How the process ends: after its threads and exit functions, with what was printed, without taking itself apart."""

from __future__ import annotations

import sys
from pathlib import Path

from .process import finish

PROGRAM = """
import atexit
import threading
import time

from runner import ending


class Apart:
    def __del__(self):
        print("taken apart")


def late():
    time.sleep(0.3)
    print("the thread")


ending.quickly()
kept = Apart()
atexit.register(print, "the exit function")
threading.Thread(target=late).start()
print("the program")
"""


def test_threads_exit_functions_and_what_is_printed_are_waited_for_and_no_more(tmp_path: Path) -> None:
    done = finish(tmp_path, [sys.executable, "-c", f"{PROGRAM}ending.with_code(3)"])
    assert (done.code, done.err) == (3, "")
    assert done.out.splitlines() == ["the program", "the thread", "the exit function"]


def test_a_process_that_something_else_ends_ends_as_python_has_it(tmp_path: Path) -> None:
    done = finish(tmp_path, [sys.executable, "-c", f"{PROGRAM}raise ValueError('unforeseen')"])
    assert done.code == 1
    assert done.err.endswith("ValueError: unforeseen\n")
    assert done.out.splitlines() == ["the program", "the thread", "the exit function", "taken apart"]
