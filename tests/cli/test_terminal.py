"""On a terminal: a progress bar and colours, unless NO_COLOR is set."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

from .process import command, environment
from .warm import SAFETY

SGR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(folder: Path, *args: str, **extra: str) -> tuple[int, str]:
    """Exit code and all that a terminal of 100 columns was sent."""
    master, slave = pty.openpty()
    env = environment(TERM="xterm-256color", COLUMNS="100", LINES="40", **extra)
    process = subprocess.Popen(
        command(*args), cwd=folder, env=env, stdin=slave, stdout=slave, stderr=slave, close_fds=True
    )
    os.close(slave)
    sent, deadline = b"", time.monotonic() + SAFETY
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([master], [], [], 1.0)
            if ready:
                try:
                    chunk = os.read(master, 65536)
                except OSError:
                    break
                sent += chunk
            elif process.poll() is not None:
                break
        return process.wait(SAFETY), sent.decode("utf-8")
    finally:
        process.kill()
        os.close(master)


def test_a_terminal_gets_a_progress_bar_and_colours(place: Path) -> None:
    code, sent = on_a_terminal(place, "data.samples=300", "record.plots=false")
    assert code == 0
    assert SGR.search(sent)
    plain = CONTROL.sub("", sent)
    assert re.search(r"training .*\d+/300", plain)
    assert "agree: the gradients of scratch and torch differ by rounding alone, over 300 judged steps" in plain


def test_no_color_takes_the_colours_away_and_leaves_the_words(place: Path) -> None:
    code, sent = on_a_terminal(place, "data.samples=300", "record.plots=false", NO_COLOR="1")
    assert code == 0
    assert SGR.findall(sent) == []
    assert "agree: the gradients of scratch and torch differ by rounding alone, over 300 judged steps" in sent


def test_a_rejected_input_is_one_line_on_a_terminal_too(tmp_path: Path) -> None:
    code, sent = on_a_terminal(tmp_path, "lr=abc")
    assert (code, sent) == (2, "runner: lr: got abc; allowed: a number\r\n")
