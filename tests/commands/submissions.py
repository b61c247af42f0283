"""A folder of submissions: right ones under odd names, wrong ones, and every way to fail."""

from __future__ import annotations

import os
from pathlib import Path

RIGHT = """
import numpy as np


def backprop(parameters, x, y):
    w1, b1, w2, b2 = parameters.values()
    a = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    p = a @ w2.T + b2
    d2 = 2 * (p - y)
    d1 = (d2 @ w2) * a * (1 - a)
    gradients = {
        "input_layer.weight": d1.T @ x,
        "input_layer.bias": d1.sum(axis=0),
        "hidden_layer_1.weight": d2.T @ a,
        "hidden_layer_1.bias": d2.sum(axis=0),
    }
    return ((p - y) ** 2).sum(), p, gradients
"""
WITHOUT_FACTOR = RIGHT.replace("2 * (p - y)", "p - y")
TIMEOUT = 10
"""Seconds; what is not endless has ended long before, on a busy machine too."""
OVERRIDES = ("architecture.hidden=[3]", "data.samples=3")


def called(statement: str) -> str:
    """The right one, with a statement before all else of the function."""
    return RIGHT.replace("    w1, b1", f"    {statement}\n    w1, b1")


def shared(scale: str) -> str:
    """The right one, if its neighbour ``util`` has 2.0."""
    return f"from util import SCALE\n{RIGHT.replace('2 * (p - y)', scale)}"


SHOWS = """
import matplotlib.pyplot as plt

plt.plot([1.0, 2.0])
plt.show()
print("shown by", plt.get_backend())
"""

LEAVES_A_PROCESS = """
import subprocess
from pathlib import Path

sleeper = subprocess.Popen(["sleep", "600"])
Path(__file__).with_name("sleeper.pid").write_text(str(sleeper.pid))
"""

ENDLESS = """
import os
from pathlib import Path

Path(__file__).with_suffix(".pid").write_text(str(os.getpid()))
while True:
    pass
"""

LATIN_1 = os.fsdecode(b"caf\xe9 d'\xe9t\xe9\\.py")
"""A name with bytes that are not UTF-8."""

AGREE: dict[str, str] = {
    "right.py": RIGHT,
    os.fsdecode(b"caf\xe9.py"): RIGHT,
    LATIN_1: RIGHT,
    "shows.py": SHOWS + RIGHT,
    "-dash.py": RIGHT,
    "an odd = name, 'with' \"quotes\" [1].py": RIGHT,
    "two\nlines ünï.py": RIGHT,
    "prints <b>.py": called("print('<b>halfway</b>')"),
    "leaves_a_process.py": LEAVES_A_PROCESS + RIGHT,
    "writes_files.py": called("open('notes.txt', 'w').write('notes')"),
    "alice/backprop.py": shared("SCALE * (p - y)"),
}
"""Files that agree."""

WRONG: dict[str, tuple[str, str, str]] = {
    "without_factor.py": (WITHOUT_FACTOR, "missing_factor_2", "mismatch: the formula is wrong; first at step 0 in "),
    "bob/backprop.py": (shared("SCALE * (p - y)"), "missing_factor_2", "mismatch: the formula is wrong; first at"),
    "asks.py": (called("input()"), "form", "mismatch: function raised EOFError"),
    "recursion.py": (
        "def backprop(*a):\n    return backprop(*a)\n",
        "form",
        "mismatch: function raised RecursionError",
    ),
    "floods.py": (called("print('x' * 10**8)"), "form", "mismatch: function raised OSError: [Errno 27] File too large"),
    "syntax.py": (
        "x = 1\ndef backprop(:\n",
        "import_error",
        "failed: raised SyntaxError: invalid syntax (syntax.py, line 2",
    ),
    "exits.py": ("import sys\nsys.exit(3)\n", "import_error", "failed: raised SystemExit: 3 (exits.py, line 2"),
    "imports.py": (
        "import not_there\n",
        "import_error",
        "failed: raised ModuleNotFoundError: No module named 'not_there'",
    ),
    "window.py": ("import tkinter\ntkinter.Tk()\n", "import_error", "failed: raised "),
    "memory.py": (
        "import numpy\nnumpy.ones(10**9)\n",
        "import_error",
        "failed: raised MemoryError: Unable to allocate",
    ),
    "other_name.py": (
        "def gradient(): pass\n",
        "no_function",
        "failed: there is no function backprop in it; what there is: gradient",
    ),
    "interrupts.py": ("raise KeyboardInterrupt\n", "error", "failed: raised KeyboardInterrupt"),
    "vanishes.py": (
        "import os\nos._exit(0)\n",
        "exit",
        "failed: ended its process with exit code 0 before it was judged",
    ),
    "crashes.py": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
        "signal",
        "failed: its process was ended by the signal SIGSEGV",
    ),
    "endless.py": (ENDLESS, "time_limit", f"failed: still running after {TIMEOUT} seconds"),
    "alice/util.py": (
        "SCALE = 2.0\n",
        "no_function",
        "failed: there is no function backprop in it; what there is: nothing",
    ),
    "bob/util.py": (
        "SCALE = 1.0\n",
        "no_function",
        "failed: there is no function backprop in it; what there is: nothing",
    ),
}
"""Files that do not: with the cause, and how the sentence begins."""

NOT_GRADED = (".hidden.py", "__pycache__/cached.py", ".git/hook.py", "alice/deeper/down.py", "notes.txt")


def furnish(folder: Path) -> None:
    """Writes all of them, and what is no submission."""
    texts = AGREE | {name: text for name, (text, _, _) in WRONG.items()} | dict.fromkeys(NOT_GRADED, "raise SystemExit")
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
