"""A tracking server on loopback that answers as it is told, and means no good."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

RUN_ID = "0123456789abcdef" * 2
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


@contextmanager
def serving(run: Mapping[str, Any], listed: list[dict[str, Any]], content: bytes = b"{}") -> Iterator[str]:
    """The address of a server that has one run, whose artifacts are ``listed`` and have one ``content``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer()

        def _answer(self) -> None:
            place = urlsplit(self.path)
            found: Any = {}
            if place.path.endswith("/runs/get"):
                found = {"run": told}
            elif place.path.endswith("/runs/search"):
                found = {"runs": [told]}
            elif place.path.endswith("/experiments/search"):
                found = {"experiments": [{"experiment_id": "1", "name": "hostile", "lifecycle_stage": "active"}]}
            elif place.path.endswith(ARTIFACTS):
                root = parse_qs(place.query).get("path", [""])[0]
                found = {"files": listed if root == "x" else []}
            answer = content if place.path.startswith(f"{ARTIFACTS}/") else json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    info = {
        "run_id": RUN_ID,
        "run_uuid": RUN_ID,
        "run_name": "hostile",
        "experiment_id": "1",
        "status": "FINISHED",
        "lifecycle_stage": "active",
        "start_time": 1,
        "artifact_uri": f"{address}{ARTIFACTS}/x",
        **run.get("info", {}),
    }
    told = {"info": info, "data": {"tags": run.get("tags", []), "metrics": [], "params": []}, "inputs": {}}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
