"""The network between a run and a real tracking server: it lets requests pass, or does to them what networks do."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = str
"""``pass``, ``reset`` (before the server has it), ``hang`` (likewise), ``error`` (it is answered 500, likewise),
``lose`` (the server does it, no answer comes), ``cut`` (it does it, and half of the answer comes)."""

KINDS = {
    "create_run": ("POST", "/mlflow/runs/create"),
    "log_batch": ("POST", "/mlflow/runs/log-batch"),
    "log_inputs": ("POST", "/mlflow/runs/log-inputs"),
    "model_file": ("PUT", "/models/m-"),
    "artifact": ("PUT", "/mlflow-artifacts/artifacts/"),
    "model": ("POST", "/mlflow/logged-models"),
    "end": ("POST", "/mlflow/runs/update"),
}
"""Of each call its method, and what its path has in it."""


@dataclass
class Network:
    """A proxy on loopback. ``rule`` says what becomes of a request, by its kind and its number of that kind from 1."""

    server: str
    rule: Callable[[str, int], Fault] = lambda _kind, _number: "pass"
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    healed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        network = self

        class Handler(_Handler):
            of = network

        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.proxy.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.proxy.server_port}"
        threading.Thread(target=self.proxy.serve_forever, args=(0.05,), daemon=True).start()

    def decide(self, method: str, path: str) -> Fault:
        kind = next((name for name, (how, part) in KINDS.items() if how == method and part in path), "other")
        with self.lock:
            self.seen.append(kind)
            return self.rule(kind, self.seen.count(kind))

    def heal(self) -> None:
        """From here on everything passes; what hangs is let go."""
        self.rule = lambda _kind, _number: "pass"
        self.healed.set()

    def close(self) -> None:
        self.heal()
        self.proxy.shutdown()
        self.proxy.server_close()


class _Handler(BaseHTTPRequestHandler):
    of: Network
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has gone
            self._handle_any()

    def _handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.of.decide(self.command, self.path)
        if fault == "hang":
            self.of.healed.wait(300)
        if fault in ("hang", "reset"):
            self._reset()
        elif fault == "error":
            self._answer(500, b"the database is away", "text/plain")
        else:
            try:
                status, answer, kind = self._ask(body)
            except (OSError, HTTPException):
                self._reset()
                return
            if fault == "lose":
                self._reset()
            else:
                self._answer(status, answer, kind, len(answer) // 2 if fault == "cut" else None)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, bytes, str]:
        """What the server answers."""
        line = HTTPConnection(urlsplit(self.of.server).netloc, timeout=60)
        try:
            passed = {
                k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "accept-encoding")
            }
            line.request(self.command, self.path, body, passed)
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        finally:
            line.close()

    def _answer(self, status: int, content: bytes, kind: str, sent: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])
        if sent is not None:
            self._reset()

    def _reset(self) -> None:
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        if self.connection.fileno() >= 0:
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
