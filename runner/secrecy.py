"""Passwords in addresses: refused before anything is recorded, since a command line and a configuration are records."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from runner.errors import PASSWORD, ConfigError, masked

SCHEME = re.compile(r"([a-z]+)(?:\+\w+)?://")
FROM_ENVIRONMENT = {
    "http": "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    "https": "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    "postgresql": "PGPASSWORD or ~/.pgpass",
}
"""Where a password comes from, by an address' scheme."""


def check_address(key: str, address: str) -> None:
    """Raises ConfigError where the address has credentials in it; the complaint does not repeat them."""
    found = PASSWORD.search(address)
    if found is None:
        return
    schemes = SCHEME.findall(address[: found.start()])
    known = FROM_ENVIRONMENT.get(schemes[-1] if schemes else "")
    comes = f"it comes from the environment, {known}" if known else "a tracking server, http://HOST:PORT, has it"
    raise ConfigError(key, f"{masked(address)}, with a password in it", f"an address without it: {comes}")


def check_words(words: Sequence[str]) -> None:
    """Raises ConfigError where a word of a command line has an address with credentials in it."""
    for word in words:
        key, is_there, value = word.partition("=")
        check_address(key.lstrip("+") if is_there and "://" not in key else "command line", value or word)


@contextmanager
def checked_output() -> Iterator[None]:
    """Prints at the end what is printed in the block, a configuration.

    Raises:
        ConfigError: A line of it has an address with credentials in it; then nothing is printed.
    """
    held = io.StringIO()
    with redirect_stdout(held):
        yield
    for line in held.getvalue().splitlines():
        check_address("configuration", line.strip())
    print(held.getvalue(), end="")
