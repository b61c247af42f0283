"""What a recorded configuration may do unasked: name the program's own code, in plain values, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.errors import ConfigError, shortened

TRUST = "--trust"
TRUST_HELP = f"""\
A configuration that names code which is not the program's own (a file, a module, a class) is refused, since whoever
wrote the record could have named any: {TRUST} runs that code, with your rights."""

PACKAGE = __name__.partition(".")[0]
SCALARS = (str, int, float, bool, type(None))


def take_trust(argv: list[str]) -> tuple[list[str], bool]:
    """The words without the flag, and whether it was among them."""
    return [word for word in argv if word != TRUST], TRUST in argv


def check_plain(config: Mapping[str, Any]) -> None:
    """Raises ConfigError where a value would be resolved, or is none that a run records."""
    for key, value in _values(config):
        if not isinstance(value, SCALARS):
            raise ConfigError(key, shortened(value), "text, numbers, true, false and null, in lists and mappings")
        if isinstance(value, str) and "${" in value:
            raise ConfigError(key, value, "plain values: what is recorded is resolved already")


def check_own(config: Mapping[str, Any], label: str) -> None:
    """Raises ConfigError, which names the code, where the configuration names any that is not the program's own."""
    foreign = [f"{key}={value}" for key, value in _values(config) if _names_code(key, value)]
    if foreign:
        got = f"{label}, whose configuration names code that is not the program's own: {', '.join(foreign)}"
        raise ConfigError("RUN", got, f"a run of the program's own code; {TRUST} runs the other, with your rights")


def _names_code(key: str, value: object) -> bool:
    if key.rpartition(".")[2] == "_target_":
        return not is_own_class(value)
    group, *inside = key.split(".")
    return group == "backend" and inside[-1] == "path"


def is_own_class(path: object) -> bool:
    """Whether it is PACKAGE.MODULE.CLASS of the program; never FILE.py:CLASS or FILE.py.CLASS."""
    first, *rest = str(path).split(".")
    return first == PACKAGE and bool(rest) and "py" not in rest and all(part.isidentifier() for part in rest)


def _values(node: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Every value with its dotted key, and every key as a value of its own."""
    if isinstance(node, dict | list):
        for name, inner in node.items() if isinstance(node, dict) else enumerate(node):
            below = f"{key}.{name}" if key else str(name)
            if isinstance(node, dict):
                yield f"{key}.(key)" if key else "(key)", name
            yield from _values(inner, below)
    else:
        yield key, node
