"""One submission judged in a process of its own; whatever it does there becomes its grade."""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from dataclasses import asdict, dataclass, replace
from math import isnan
from pathlib import Path
from typing import Any

from runner.assemble import Setup
from runner.backends.function import Function
from runner.commands.grades import Grade, TensorGrade, dumped, failed
from runner.commands.own_function import assemble_unwritten
from runner.comparison.summary import RunVerdict
from runner.errors import ConfigError, one_line
from runner.records.files import write_text
from runner.user_code import told

LARGEST_FILE = 64 * 2**20
"""Bytes of any file that a submission writes, and of all that it prints."""


@dataclass(frozen=True)
class Job:
    """What the process is told.

    Attributes:
        file: The submission's absolute path.
        function: The name of the function in it.
        config: The run's configuration, composed and checked.
        import_path: The import path of the process that grades.
        memory: Bytes of data that the process may hold.
        work: The folder that it works in.
        ready: The file that is made when the submission's time begins.
        result: Where the grade is put.
    """

    file: str
    function: str
    config: dict[str, Any]
    import_path: list[str]
    memory: int
    work: str
    ready: str
    result: str

    def dumped(self) -> str:
        return json.dumps(asdict(self))


def main(job_file: str) -> None:
    """Judges, leaves the grade, and ends the process, threads and all that the submission has started in it."""
    job = Job(**json.loads(Path(job_file).read_text(encoding="utf-8")))
    own = len(sys.path) - 1  # the last entry is what led to this module
    sys.path += [entry for entry in job.import_path if entry not in sys.path]
    setup, function = assemble_unwritten(job.config)

    import torch  # noqa: F401  (before the time begins: it takes longer than most submissions)

    from runner import experiment  # noqa: F401

    folder = str(Path(job.file).parent)
    sys.path[:] = [entry for entry in sys.path[:own] if entry != folder] + [folder] + sys.path[own:]
    sys.dont_write_bytecode = True  # the folder of submissions stays as it was
    os.chdir(job.work)
    _limit(job.memory)
    Path(job.ready).touch()
    write_text(Path(job.result), dumped(_graded(setup, function, job)))
    os._exit(0)


def _limit(memory: int) -> None:
    """Of data, not of address space, most of which is libraries that are mapped and never touched."""
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


def _graded(setup: Setup, function: Function, job: Job) -> Grade:
    path = f"{job.file}:{job.function}"
    choice = replace(function, path=path)
    try:
        choice.check()
        return _judged(replace(setup, backends={**setup.backends, "function": choice}))
    except ConfigError as error:
        return _not_loaded(error, path, job)
    except MemoryError:
        return failed("memory_limit", f"ran out of memory, of which it had {job.memory / 2**30:g} GiB")
    except BaseException as error:  # a submission may raise anything, KeyboardInterrupt included
        traceback.print_exc()
        return failed("error", f"raised {told(error)}")


def _not_loaded(error: ConfigError, path: str, job: Job) -> Grade:
    """``load_function``'s complaint, less the path, which stands above it."""
    got = str(error.got).removeprefix(path).removeprefix(", which ").strip()
    if got:
        return failed("import_error", one_line(got))
    there = error.allowed.removeprefix(f"a function of {job.file}: ")
    return failed("no_function", one_line(f"there is no function {job.function} in it; what there is: {there}"))


def _judged(setup: Setup) -> Grade:
    from runner.experiment import run_experiment
    from runner.outcome import Silent
    from runner.records.words import whole_verdict

    verdict = run_experiment(setup, Silent()).verdict
    sentence, *details = whole_verdict(verdict, list(setup.backends))
    rows = {
        name: TensorGrade(t.max_abs, t.roundings, t.logic_roundings, t.ok)
        for name, t in verdict.tensors.items()
        if not (t.ok and isnan(t.roundings))
    }
    first = verdict.first.tensor if verdict.first is not None else ""
    return Grade(verdict.verdict, _cause(verdict), sentence, [line.strip() for line in details], first, rows)


def _cause(verdict: RunVerdict) -> str:
    if verdict.explanations:
        return ", ".join(e.cause for e in verdict.explanations.values())
    return "form" if verdict.first is not None and verdict.first.form else ""
