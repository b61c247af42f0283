"""OmegaConf's errors in one line of ours: the key, what it got, what is allowed."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from omegaconf import DictConfig
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException, ValidationError

from runner.errors import ConfigError, choices, one_line

UNKNOWN = "a key that is not known"
WORDS: dict[object, str] = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    dict: "a mapping",
}
NO_VALUE = {"backend": "a list of at least two different names, such as [scratch,torch]"}
"""What is allowed where an empty list has taken the default away."""
TYPE_NAMES = {
    "Float|'float'": float,
    "Integer|'int'": int,
    "bool|Boolean": bool,
    "list or tuple": list,
    "[Ss]tring|'str'": str,
}


def words_of(hint: object) -> str:
    """What may stand where a dataclass has a field of that type."""
    inner = [part for part in get_args(hint) if part is not type(None)]
    if type(None) in get_args(hint):
        return f"{words_of(inner[0])}, or null"
    if hint is list or get_origin(hint) is list:
        return f"a list, each of it {words_of(inner[0])}" if inner and inner[0] is not Any else "a list"
    return WORDS.get(get_origin(hint) or hint, "a value of the key's type")


def _wanted(schema: type | None, key: str, text: str) -> str:
    """In words, the type of ``key`` (dotted) in ``schema``; where that is not known, what OmegaConf's text names."""
    hint: Any = schema
    for part in re.split(r"[.\[]", key):
        hint = get_type_hints(hint).get(part) if isinstance(hint, type) and is_dataclass(hint) else hint
    if hint is not None and hint is not schema and hint is not Any:
        return words_of(hint)
    return next((words_of(kind) for names, kind in TYPE_NAMES.items() if re.search(names, text)), words_of(Any))


def complaint(error: OmegaConfBaseException, schema: type | None = None) -> ConfigError:
    """OmegaConf's error as one line: the key, what it got, what is allowed by ``schema``."""
    key, text = error.full_key or str(error.key), one_line(error.msg or str(error))
    if isinstance(error, MissingMandatoryValue):
        return ConfigError(key, "nothing", NO_VALUE.get(key, "a value: this key has no default"))
    if isinstance(error, ConfigKeyError | AttributeError):
        known = list(error.parent_node) if isinstance(error.parent_node, DictConfig) else []
        listed = [str(k) for k in known if k not in ("hydra", "_target_")]
        return ConfigError(key, UNKNOWN, choices(listed, str(error.key)))
    if isinstance(error, ValidationError):
        value = re.match(r"(?:Value|Incompatible value|Cannot convert '\w+' to string:) '(.*?)'(?: |$)", text)
        got = value[1] if value else "null" if "not Optional" in text else text.split(" full_key")[0]
        return ConfigError(key, "null" if got == "None" else got, _wanted(schema, key, text))
    merged = re.match(r"Cannot merge (Dict|List)Config with (Dict|List)Config", text)
    if merged:
        return ConfigError(key, *("a mapping" if kind == "Dict" else "a list" for kind in merged.groups()))
    return ConfigError(key, text.split(" full_key")[0], "a value that can be resolved")
