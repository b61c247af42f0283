"""Where the program's own files lie, and what a path in the configuration means."""

import errno
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"
"""The configuration: inside the installed package, or at the top of the repository."""

PREFIX = "package:"


def resolve_path(path: str) -> Path:
    """``package:a/b`` is the program's own file; anything else is taken from the folder the user is in."""
    return PACKAGE / path.removeprefix(PREFIX) if path.startswith(PREFIX) else Path(path)


def regular(path: Path) -> Path:
    """``path``, unless what lies there is a device or a pipe: to read it might last for ever.

    Raises:
        OSError: It is one.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "a device or pipe", str(path))
    return path
