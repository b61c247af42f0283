"""Data and targets as conf/ describes them, some keys changed; and what they are refused with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.arrays import Array
from runner.config import build
from runner.data.base import Data, Parts, Samples, Target
from runner.errors import ConfigError
from runner.paths import CONF


def data(name: str, /, **changed: Any) -> Data:
    return build({**_defaults("data", name), **changed}, "data", Data)


def target(name: str, /, **changed: Any) -> Target:
    return build({**_defaults("target", name), **changed}, "target", Target)


def _defaults(group: str, name: str) -> dict[str, Any]:
    found = yaml.safe_load((CONF / group / f"{name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def every(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def drawn(name: str, seed: int, **changed: Any) -> Samples:
    return data(name, **changed).load(seed, ()).train


def both(parts: Parts) -> tuple[Samples, Samples]:
    assert parts.held_out is not None
    return parts.train, parts.held_out


def y_of(samples: Samples) -> Array:
    assert samples.y is not None
    return samples.y


def refusal(ask: Callable[[], object]) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        ask()
    assert "\n" not in str(raised.value)
    return raised.value


def written(path: Path, text: str | bytes) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def refused(kind: str, path: str, columns: tuple[str, ...] = (), **changed: Any) -> tuple[str, str]:
    """The key and the whole line; neither the name of the folder nor of the test can be what is looked for."""
    error = refusal(lambda: data(kind, path=path, **changed).load(1, columns))
    return error.key, str(error).replace(str(Path(path).parent), "")
