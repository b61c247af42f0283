"""A process that has imported the libraries and forks for each run of the program: a refusal takes 0.2 s, not 6.

Nothing of the program itself is imported before the fork. It ends when its standard input does.

A fork ends after its threads and its exit functions, without the interpreter's own end: to take apart the libraries,
whose memory it shares with the others, would copy all of it, which takes longer than most runs. For the same reason the
collector of garbage leaves alone what lies there before the fork.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys

from tests.cli.asking import CONSTANTS, LARGEST

LIBRARIES = """
    alembic.command contourpy hydra.main matplotlib.backends.backend_agg matplotlib.figure mlflow.artifacts
    mlflow.store.tracking.sqlalchemy_workspace_store pandas PIL.JpegImagePlugin pyarrow.dataset pyarrow.pandas_compat
    pyarrow.parquet rich.table safetensors.numpy sklearn.datasets sqlalchemy.dialects.sqlite torch torch._dynamo
"""


class Fork:
    """Where a fork tells its exit code."""

    caller: socket.socket | None = None
    code = 1


def end() -> None:
    if Fork.caller is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        Fork.caller.send(str(Fork.code).encode())
        os._exit(Fork.code)


def run(caller: socket.socket) -> None:
    """Runs the program, in a fork, as it is asked to; RUN_MODULE names what else is to be run in its place."""
    Fork.caller = caller
    question, files, _, _ = socket.recv_fds(caller, LARGEST, 3)
    folder, words, env = json.loads(question)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for setting in env.get(CONSTANTS, "").split():
        place, _, value = setting.partition("=")
        module, _, name = place.partition(":")
        setattr(importlib.import_module(module), name, float(value))
    own = [path for path in env.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    sys.argv, sys.path[:1] = ["runner", *words], [folder, *own]
    try:
        runpy.run_module(env.get("RUN_MODULE", "runner"), run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        Fork.code = int(ended.code or 0)
    program = sys.modules.get("runner.ending")
    if program is not None:
        atexit.unregister(program.leave)  # it would end this process before the caller is told


def main() -> None:
    atexit.register(end)  # before any other, and so the last that is called
    for library in LIBRARIES.split():
        importlib.import_module(library)
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(sys.argv[1])
        listening.listen(64)
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for a fork
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            caller, _ = listening.accept()
            if not os.fork():
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                run(caller)
                return
            caller.close()


if __name__ == "__main__":
    main()
