"""A process that has imported the libraries and forks for each run of the program: a refusal takes 0.2 s, not 6.

Nothing of the program itself is imported before the fork. What a test says of a run's environment or of the
interpreter's options, and what it does to a run that goes on, is for a process that begins from nothing.

A fork ends after its threads and its exit functions, without the interpreter's own end: to take apart the libraries,
whose memory it shares with the others, would copy all of it, which takes longer than most runs. For the same reason the
collector of garbage leaves alone what lies there before the fork.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

SAFETY = 300.0
"""Seconds after which a run that hangs is given up."""

FORKING = """
import atexit, gc, json, os, runpy, sys

code = 1

@atexit.register  # before any other, and so the last that is called
def end():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

import hydra.main, matplotlib.figure, mlflow.store.tracking.sqlalchemy_store, pandas, pyarrow.parquet, rich.table, torch
import mlflow.artifacts, safetensors.numpy, sklearn.datasets, torch._dynamo

gc.collect()
gc.freeze()
for line in sys.stdin:
    folder, words, out, err = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, path in ((0, os.devnull), (1, out), (2, err)):
            os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
        sys.argv, sys.path[0] = ["runner", *words], folder
        try:
            runpy.run_module("runner", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            code = ended.code
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def forking(env: tuple[tuple[str, str], ...]) -> subprocess.Popen[str]:
    """The one of this worker, in a plain environment."""
    made = subprocess.Popen(
        [sys.executable, "-c", FORKING], env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(made.terminate)
    return made


def run_warm(folder: Path, words: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
    """The exit code of the program with these words, and what it printed."""
    server = forking(tuple(sorted(env.items())))
    assert server.stdin is not None
    assert server.stdout is not None
    with TemporaryDirectory(prefix="printed-") as place:
        files = [Path(place, name) for name in ("out", "err")]
        for file in files:
            file.touch()
        print(json.dumps([str(folder.absolute()), list(words), *map(str, files)]), file=server.stdin, flush=True)
        safety = Timer(SAFETY, server.kill)
        safety.start()
        code = int(server.stdout.readline())
        safety.cancel()
        out, err = (file.read_text(encoding="utf-8") for file in files)
    return code, out, err
