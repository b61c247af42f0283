"""A user's own Python: loaded by file or module, its errors told with its own line."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.errors import ConfigError, choices, one_line
from runner.paths import regular

USER_MODULE = "runner_user_"
"""What the names begin with of the modules that are made of a user's files."""


def is_ours(value: object) -> bool:
    """Whether its class is the project's own."""
    return type(value).__module__.startswith(f"{__package__}.")


def load_function(key: str, path: str) -> Callable[..., Any]:
    """The function that ``FILE.py:NAME`` or ``PACKAGE.MODULE:NAME`` names.

    Raises:
        ConfigError: There is no such file, module or function, or importing it fails; told with its own line.
    """
    function: Callable[..., Any] = _load(key, path, "function")
    return function


def load_class(key: str, path: str) -> Any:
    """What ``FILE.py:NAME``, ``PACKAGE.MODULE:NAME`` or ``PACKAGE.MODULE.NAME`` names.

    Raises:
        ConfigError: There is no such file, module or name, or importing it fails; told with its own line.
    """
    return _load(key, path, "class")


def _load(key: str, path: str, kind: str) -> Any:
    place, _, name = path.rpartition(":" if ":" in path or kind == "function" else ".")
    if not place or not name.isidentifier():
        raise ConfigError(key, path, f"FILE.py:{kind.upper()} or MODULE:{kind.upper()}")
    try:
        module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except FileNotFoundError as error:
        raise ConfigError(key, f"{path} ({error.strerror}: {error.filename})", "a file that can be read") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's module may raise anything when it is imported
        raise ConfigError(key, f"{path}, which raised {told(error)}", "a module that can be imported") from error
    found = getattr(module, name, None)
    if not callable(found):
        own = {n: v for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__}
        names = [n for n, v in own.items() if not n.startswith("_") and isinstance(v, type) == (kind == "class")]
        raise ConfigError(key, path, f"a {kind} of {place}: {choices(names, name)}")
    return found


def file_of(path: str) -> list[Path]:
    """The file of ``FILE.py:NAME``; nothing for a module, which is installed code."""
    place = path.rpartition(":")[0]
    return [Path(place)] if place.endswith(".py") else []


def file_of_class(cls: type) -> Path | None:
    """The file that a user's own class was loaded from by ``FILE.py:NAME``; None for installed code."""
    own = cls.__module__.startswith(USER_MODULE)
    return Path(str(sys.modules[cls.__module__].__file__)) if own else None


def told(error: BaseException) -> str:
    """The error in one line, with the innermost line of code that is not this program's own."""
    ours = Path(__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not f.filename.startswith("<") and ours not in Path(f.filename).parents]
    own = [f for f in own if "importlib" not in Path(f.filename).parts]
    users = [f for f in own if "site-packages" not in f.filename and "lib/python" not in f.filename] or own
    where = f" ({Path(users[-1].filename).name}, line {users[-1].lineno}: {users[-1].line})" if users else ""
    if isinstance(error, SyntaxError) and error.filename is not None:
        where = f" ({Path(error.filename).name}, line {error.lineno}: {(error.text or '').strip()})"
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    return one_line(f"{type(error).__name__}: {words}{where}")


def _load_file(path: Path) -> ModuleType:
    """A file as a module of its own: two files of one name share nothing, and a changed file is read again.

    Its folder comes last on the import path, so that it finds its neighbours and hides no package.
    """
    path = path.absolute()
    try:
        changed = regular(path).stat().st_mtime_ns
    except OSError as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
    name = f"{USER_MODULE}{hashlib.sha256(f'{path} {changed}'.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
