"""Asks the warm process for a run. As a script it is a ``python`` whose ``-m runner`` is such a run:

python -IS asking.py PYTHON SOCKET ARGUMENTS OF PYTHON...

It imports little, so that it takes no time itself.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CONSTANTS = "TESTS_CONSTANTS"
"""In the environment of a run: numbers of the program that are to be others, ``MODULE:NAME=VALUE`` each."""
LARGEST = 2**17
"""Bytes of a question: the folder, the words, the environment."""


def ask(
    path: str, folder: str, words: Sequence[str], env: Mapping[str, str], files: Sequence[int], seconds: float | None
) -> int:
    """The exit code of the program with these words, its standard input, output and error being ``files``.

    Raises:
        TimeoutError: It takes longer than ``seconds``.
        RuntimeError: It ended without its exit functions, by a signal for example.
    """
    question = json.dumps([folder, list(words), dict(env)]).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.settimeout(seconds)
        line.connect(path)
        socket.send_fds(line, [question], files)
        answer = line.recv(8)
    if not answer:
        raise RuntimeError(f"{list(words)} ended without its exit functions")
    return int(answer)


def main() -> None:
    python, path, *words = sys.argv[1:]
    if words[:2] != ["-m", "runner"]:
        os.execv(python, [python, *words])
    sys.exit(ask(path, str(Path.cwd()), words[2:], os.environ, (0, 1, 2), None))


if __name__ == "__main__":
    main()
