"""`python -m runner grade FOLDER`: every submission of a folder judged, each on its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from runner import stopping
from runner.commands.crew import Rules, Submission, graded
from runner.commands.grades import Grade
from runner.commands.own_function import assemble_unwritten, compose_unwritten
from runner.commands.results import Results
from runner.errors import AGREE, DISAGREE, ConfigError, RunError, choices, one_line, printable
from runner.records.console import open_console

USAGE = """\
python -m runner grade FOLDER [overrides] [grade.timeout=60] [grade.memory=4] [grade.function=backprop] [grade.out=OUT]

Judges the function backprop of every *.py in FOLDER and in its folders, each in a process of its own, as
`python -m runner backend=[function,torch] backend.function.path=FILE.py:backprop [overrides]` does.

  grade.timeout=60         seconds that a submission may take, from when it is read
  grade.memory=4           GiB of data that its process may hold
  grade.function=backprop  the name of the function
  grade.out=OUT            a new folder for grades.csv, index.html and pages/; default outputs/grades/<date>/<time>

Exit code: 0 all agree, 1 not all, 2 bad input, 3 could not finish."""

LEAST_MEMORY = 1.0
"""PyTorch alone needs about a third of it."""


@dataclass(frozen=True)
class Options:
    """The command's own keys."""

    timeout: float = 60.0
    memory: float = 4.0
    function: str = "backprop"
    out: str = ""


def grade(argv: list[str]) -> int:
    """Grades the folder that ``argv`` begins with.

    Raises:
        ConfigError: The folder, an override or a key of the command is wrong; no process was started.
        RunError: It was interrupted, or the results could not be written; what was graded is kept.
    """
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return AGREE
    if not argv:
        raise ConfigError("grade", "nothing", "python -m runner grade FOLDER [overrides]")
    folder, words = argv[0], argv[1:]
    options = parse_options([word for word in words if word.startswith("grade.")])
    overrides = [word for word in words if not word.startswith("grade.")]
    submissions = find_submissions(folder)
    config = compose_unwritten(overrides)
    setup, _ = assemble_unwritten(config)
    tensors = ["loss", "prediction", *setup.problem.network.parameters]
    out = _new_folder(options.out)
    results = Results(out, folder, options.function, overrides, tensors)
    rules = Rules(options.timeout, options.memory, options.function, config)
    return _grade_all(submissions, rules, results)


def parse_options(words: Sequence[str]) -> Options:
    """``grade.KEY=VALUE`` words.

    Raises:
        ConfigError: A key is unknown, or its value is not what it should be.
    """
    options = Options()
    for word in words:
        key, is_there, value = word.removeprefix("grade.").partition("=")
        if key not in vars(options) or not is_there:
            raise ConfigError(f"grade.{key}", value or "nothing", f"one of {choices(vars(options), key)}, as KEY=VALUE")
        options = replace(options, **{key: _READERS[key](f"grade.{key}", value)})
    return options


def _number_from(least: float, what: str) -> Callable[[str, str], float]:
    def read(key: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (isfinite(value) and value >= least):
            raise ConfigError(key, repr(text), what)
        return value

    return read


def _function_name(key: str, text: str) -> str:
    if not text.isidentifier():
        raise ConfigError(key, repr(text), "the name of a Python function")
    return text


def _any_path(key: str, text: str) -> str:
    if not text:
        raise ConfigError(key, "nothing", "a folder that is new or empty")
    return text


_READERS: dict[str, Callable[[str, str], Any]] = {
    "timeout": _number_from(0.1, "seconds, from 0.1"),
    "memory": _number_from(LEAST_MEMORY, f"GiB, from {LEAST_MEMORY:g}"),
    "function": _function_name,
    "out": _any_path,
}


def find_submissions(folder: str) -> list[Submission]:
    """Every ``*.py`` in the folder and in its folders, in order; what is hidden is left out.

    Raises:
        ConfigError: There is no such folder, it cannot be read, or there is none in it.
    """
    top = Path(folder)
    if not top.is_dir():
        raise ConfigError("FOLDER", repr(folder), "a folder that holds *.py files")
    try:
        inner = [entry for entry in top.iterdir() if entry.is_dir() and not _is_hidden(entry)]
        files = [file for place in (top, *inner) for file in place.iterdir() if _is_submission(file)]
    except OSError as error:
        raise ConfigError("FOLDER", f"{error.filename!r} ({error.strerror})", "folders that can be read") from error
    if not files:
        raise ConfigError("FOLDER", f"{folder!r}, with no *.py in it", "a folder that holds *.py files")
    names = sorted(str(file.relative_to(top)) for file in files)
    return [Submission(i + 1, name, (top / name).absolute()) for i, name in enumerate(names)]


def _is_submission(file: Path) -> bool:
    return file.suffix == ".py" and not _is_hidden(file) and not file.is_dir()


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__pycache__"


def _new_folder(out: str) -> Path:
    now = datetime.now().astimezone()
    folder = Path(out or f"outputs/grades/{now:%Y-%m-%d}/{now:%H-%M-%S}-{secrets.token_hex(3)}")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ConfigError("grade.out", repr(out), "a folder that is new or empty")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"grade.out: {folder} could not be made ({error.strerror})") from error
    return folder


def _grade_all(submissions: Sequence[Submission], rules: Rules, results: Results) -> int:
    console = open_console()
    workers = min(len(submissions), os.cpu_count() or 1)
    try:
        with _progress(console, len(submissions)) as advance, closing(graded(submissions, rules, workers)) as stream:
            for submission, found in stream:
                with stopping.uninterrupted():
                    results.add(submission, found)
                console.print(_line(submission, found))
                advance()
    except KeyboardInterrupt as stop:
        stopping.heed()
        raise RunError(f"interrupted; {_kept(results, submissions)}") from stop
    except OSError as error:
        reason = error.strerror or one_line(str(error))
        raise RunError(f"{error.filename or results.table}: {reason}; {_kept(results, submissions)}") from error
    console.print()
    console.print(Text(results.summary()))
    console.print(Text(f"grades   {results.table}\npages    {results.index}"))
    return AGREE if results.all_agree else DISAGREE


def _kept(results: Results, submissions: Sequence[Submission]) -> str:
    return (
        f"{results.count} of {len(submissions)} are graded, in {results.table}" if results.count else "none is graded"
    )


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing where the output is piped; what it gives moves the bar by one."""
    if not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("grading", total=total)
        yield lambda: bar.advance(task)


def _line(submission: Submission, found: Grade) -> Text:
    cause = f" ({found.cause})" if found.cause else ""
    style = "green" if found.verdict == "agree" else "bold red"
    return Text.assemble(f"{printable(submission.name)}: ", (f"{found.sentence}{cause}", style))
