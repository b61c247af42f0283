"""`python -m documentation.pictures`: the pictures of the front page, of runs that are made here and now.

A run's console, its report.html and a sweep in MLflow's own pages, as a browser shows them.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from documentation.links import DOCS, ROOT
from runner.shell import shell_line

FOLDER = DOCS / "pictures"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
WRONG = ("backend=[function,torch]", "backend.function.path=my.py:backprop", "architecture.hidden=[4]", "batch_size=10")
SWEEP = ("-m", "lr=0.01,0.03,0.1", "seed=1,2", "loss=mse", "batch_size=100", "epochs=40")
LIMIT = 300_000
"""Bytes that a picture may have."""
PATIENCE = 120.0
"""Seconds until the server has to answer."""
TERMINAL = """\
<body style="margin: 0"><pre style="margin: 0; padding: 20px 24px; width: 104ch; white-space: pre-wrap; \
font: 14px/1.4 'DejaVu Sans Mono', monospace; background: #1e1e24; color: #d8d8d8">{code}</pre></body>"""


def main() -> None:
    """Makes the runs, and writes each picture as a PNG file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as made, sync_playwright() as playwright:
        place = Path(made)
        _write_function(place)
        console = _run(place, *WRONG, allowed=1)
        swept = place / "sweep"
        swept.mkdir()
        _run(swept, *SWEEP, allowed=0)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        _picture_console(browser, console)
        _picture_report(browser, next(place.glob("outputs/runs/*/*/report.html")))
        with _mlflow(swept) as address:
            _picture_mlflow(browser, address)
        browser.close()
    for path in sorted(FOLDER.glob("*.png")):
        size = path.stat().st_size
        print(f"{path.relative_to(ROOT)}  {size} bytes")
        if size > LIMIT:
            sys.exit(f"{path}: {size} bytes, more than {LIMIT}")


def _write_function(place: Path) -> None:
    """The first attempt of check_your_backprop.md, which leaves out the slope."""
    text = (DOCS / "check_your_backprop.md").read_text(encoding="utf-8")
    (place / "my.py").write_text(re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0], encoding="utf-8")


def _run(place: Path, *words: str, allowed: int) -> str:
    """What the runner prints on a terminal with colours."""
    coloured = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "runner", *words]
    done = subprocess.run(command, cwd=place, env=os.environ | coloured, capture_output=True, text=True, check=False)
    if done.returncode != allowed:
        sys.exit(f"{shell_line(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _picture_console(browser: Browser, printed: str) -> None:
    """The table of the tensors and what is said below it."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=1000, file=nowhere, highlight=False, soft_wrap=True)
        console.print(f"[bold]$ python -m runner {shell_line(WRONG)}[/]".replace("[function,", r"\[function,"))
        shown = re.search(r"\n([^\n]*tensor .*?)\n\n[^\n]*run folder", printed, re.DOTALL)
        assert shown is not None, printed
        console.print(Text.from_ansi(f"\n{shown[1]}"))
        html = console.export_html(theme=SVG_EXPORT_THEME, inline_styles=True, code_format=TERMINAL)
    page = browser.new_page(viewport={"width": 1000, "height": 400}, device_scale_factor=2)
    page.set_content(html)
    page.locator("pre").screenshot(path=FOLDER / "verdict.png")


def _picture_report(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 1110})
    page.goto(report.as_uri())
    page.screenshot(path=FOLDER / "report.png")


@contextmanager
def _mlflow(place: Path) -> Iterator[str]:
    """A server of what was recorded; it is stopped again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = ("--backend-store-uri", f"sqlite:///{place}/outputs/mlflow.db", "--host", "127.0.0.1", "--port", port)
    command = [sys.executable, "-m", "mlflow", "server", *where, "--workers", "1"]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with (place / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _await(f"{address}/health", server)
            yield address
        finally:
            server.terminate()
            server.wait()


def _await(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(address):  # noqa: S310 - our own server
                return
        except URLError:
            time.sleep(0.2)
    sys.exit("the MLflow server does not answer")


def _picture_mlflow(browser: Browser, address: str) -> None:
    """The runs of the sweep, and their losses."""
    page = browser.new_page(viewport={"width": 1300, "height": 720})
    page.goto(f"{address}/#/experiments/1/runs?workflowType=machine_learning&compareRunsMode=CHART")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("gridcell").filter(has_text=SWEEP[1]).get_by_role("button").click()
    page.get_by_placeholder("Search metric charts").fill("^loss/")
    page.mouse.move(0, 0)
    jobs = len(SWEEP[1].split(",")) * len(SWEEP[2].split(","))
    page.wait_for_function("jobs => document.querySelectorAll('.scatterlayer .trace').length >= 2 * jobs", arg=jobs)
    page.screenshot(path=FOLDER / "mlflow.png")


if __name__ == "__main__":
    main()
