"""One ``mlflow server`` for all workers: the first one that needs it starts it, the last one stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from filelock import FileLock

from tests.cli.process import environment
from tests.cli.stores import uri
from tests.ports import free_port

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
SAFETY = 120.0
"""Seconds after which a server that does not end is given up."""


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of a server of the store below ``root``."""
    note, lock, own = root / "server.json", FileLock(root / "server.lock"), None
    with lock:
        state: dict[str, Any] = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {"users": 0}
        if not state["users"]:
            own, address = _start(root)
            state |= {"pid": own.pid, "address": address}
        note.write_text(json.dumps(state | {"users": state["users"] + 1}), encoding="utf-8")
    try:
        yield state["address"]
    finally:
        with lock:
            state = json.loads(note.read_text(encoding="utf-8"))
            note.write_text(json.dumps(state | {"users": state["users"] - 1}), encoding="utf-8")
            if state["users"] == 1:
                os.killpg(state["pid"], signal.SIGTERM)
                if own is not None:
                    own.wait(SAFETY)


def _start(root: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A server that answers, in a process group of its own, and its address."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri(root)]
    log = root / "server.log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            cwd=root,
            env=environment(**QUIET),
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    while not _answers(address):
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(log.read_text(encoding="utf-8"))
    return process, address


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/health", timeout=SAFETY):
            return True
    except (URLError, ConnectionError):
        return False
