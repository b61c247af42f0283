"""The typed schema of a run's configuration, and objects made from its ``_target_`` nodes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException, ValidationError

from runner.catalog import Catalog
from runner.errors import ConfigError, choices, one_line

T = TypeVar("T")

UNKNOWN = "a key that is not known"
WORDS: dict[object, str] = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    dict: "a mapping",
}
FLAGS = ("lockstep", "shrink", "record.gradients")
"""The keys that are true or false."""
NO_VALUE = {"backend": "a list of at least two different names, such as [scratch,torch]"}
"""What is allowed where an empty list has taken the default away."""
TYPE_NAMES = {
    "Float|'float'": float,
    "Integer|'int'": int,
    "bool|Boolean": bool,
    "list or tuple": list,
    "[Ss]tring|'str'": str,
}


@dataclass
class VerdictConfig:
    every: int = MISSING


@dataclass
class RecordConfig:
    every: int = MISSING
    gradients: Any = MISSING
    published: str | None = MISSING


@dataclass
class TrackingConfig:
    uri: str = MISSING
    experiment: str = MISSING


@dataclass
class Config:
    """The top level; what ``_target_`` names is typed by the dataclass it names. Defaults live in conf/ alone.

    Of type ``Any`` are also the keys of ``FLAGS``: OmegaConf takes 2, on and y for true where it is told of a bool.
    """

    lr: float = MISSING
    seed: int = MISSING
    epochs: int = MISSING
    batch_size: int = MISSING
    dtype: str = MISSING
    lockstep: Any = MISSING
    threads: int = MISSING
    shrink: Any = MISSING
    data: Any = MISSING
    target: Any = MISSING
    architecture: Any = MISSING
    init: Any = MISSING
    loss: Any = MISSING
    optimizer: Any = MISSING
    schedule: Any = MISSING
    clip: Any = MISSING
    backend: Any = MISSING
    verdict: VerdictConfig = MISSING
    record: RecordConfig = MISSING
    tracking: TrackingConfig = MISSING


def register() -> None:
    """Makes the schema and the resolvers known to Hydra; to be called before it composes."""
    from runner.help import render

    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("runner.token", lambda: secrets.token_hex(3), use_cache=True, replace=True)
    OmegaConf.register_new_resolver("runner.help", lambda *, _root_: render(catalog_of(_root_)), replace=True)


def catalog_of(hydra: DictConfig) -> Catalog:
    """The catalog of the folders that Hydra composed from; ``hydra`` is a config with its ``hydra`` node."""
    return Catalog([Path(source.path) for source in hydra.hydra.runtime.config_sources if source.schema == "file"])


def current_catalog() -> Catalog:
    """The catalog of the job that is running."""
    return catalog_of(OmegaConf.create({"hydra": HydraConfig.get()}))


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The whole configuration as plain values.

    Raises:
        ConfigError: A key is missing or unknown, or an interpolation leads nowhere.
    """
    _refuse_unknown(OmegaConf.structured(Config), cfg)
    try:
        whole = OmegaConf.merge(OmegaConf.structured(Config), cfg)
        plain = OmegaConf.to_container(whole, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise complaint(error, Config) from error
    assert isinstance(plain, dict)
    config = {str(key): value for key, value in plain.items()}
    for key in FLAGS:
        group, _, name = key.rpartition(".")
        node = config[group] if group else config
        node[name] = _flag(key, node[name])
    return config


def _flag(key: str, value: object) -> bool:
    """Where it is a text, that comes of an interpolation, as of an environment variable."""
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ConfigError(key, "null" if value is None else value, WORDS[bool])
    return found


def _refuse_unknown(schema: DictConfig, cfg: DictConfig, prefix: str = "") -> None:
    """Hydra's ``+key=value`` adds a key to a typed node without a word; nothing would ever read it."""
    known = [str(key) for key in schema]
    for key in cfg:
        if key not in known:
            raise ConfigError(f"{prefix}{key!s}", UNKNOWN, choices(known, key))
    for name, kind in (("verdict", VerdictConfig), ("record", RecordConfig), ("tracking", TrackingConfig)):
        if not prefix and isinstance(cfg.get(name), DictConfig):
            _refuse_unknown(OmegaConf.structured(kind), cfg[name], f"{name}.")


def build(node: object, key: str, kind: type[T]) -> T:
    """The object that a config node describes by ``_target_``, its values converted and checked.

    Raises:
        ConfigError: The node names no class of that ``kind``, or a value of it is missing, unknown, of the
            wrong type or out of range.
    """
    if not isinstance(node, dict) or not isinstance(node.get("_target_"), str):
        raise ConfigError(key, node, "a group's choice, or a mapping whose _target_ names a class")
    cls = _locate(node["_target_"], f"{key}._target_", kind)
    values = {k: v for k, v in node.items() if k != "_target_"}
    try:
        typed = OmegaConf.merge(OmegaConf.structured(cls), values)
        plain = OmegaConf.to_container(typed, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise _culprit(cls, values, error).below(key) from error
    assert isinstance(plain, dict)
    made = cls(**{str(k): v for k, v in plain.items()})
    if hasattr(made, "check"):
        try:
            made.check()
        except ConfigError as error:
            raise error.below(key) from error
    return made


def _locate(path: str, key: str, kind: type[T]) -> type[T]:
    module, _, name = path.rpartition(".")
    try:
        cls = getattr(import_module(module), name)
    except Exception as error:  # a user's own module may raise anything when it is imported
        raise ConfigError(
            key, f"{path} ({type(error).__name__}: {error})", f"the dotted path of a {kind.__name__} class"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, kind)):
        raise ConfigError(key, path, f"the dotted path of a {kind.__name__} class")
    return cls


def build_named(node: object, key: str, kind: type[T], catalog: Catalog, group: str, word: str) -> T:
    """The object of ``{word: NAME, ...its keys}``: the keys that are not given come from conf/GROUP/NAME.yaml."""
    if not isinstance(node, dict) or not isinstance(node.get(word), str):
        raise ConfigError(key, node, f"{{{word}: NAME, ...its keys}}, NAME one of {', '.join(catalog.names(group))}")
    defaults = OmegaConf.to_container(OmegaConf.load(catalog.find(group, node[word], key)))
    assert isinstance(defaults, dict)
    if "_target_" in node:
        raise ConfigError(f"{key}._target_", node["_target_"], f"the keys of the {group} that `{word}` names")
    given = {k: v for k, v in node.items() if k != word}
    return build({**defaults, **given, "_target_": defaults["_target_"]}, key, kind)


def _culprit(cls: type, values: Mapping[str, Any], error: OmegaConfBaseException) -> ConfigError:
    """The complaint about the field that is at fault; OmegaConf loses its name in a nested list."""
    for name, value in values.items():
        try:
            OmegaConf.merge(OmegaConf.structured(cls), {name: value})
        except ValidationError as alone:
            found = complaint(alone, cls)
            inside = re.split(r"[.\[]", found.key)[0] == name
            return found if inside else ConfigError(name, value, words_of(get_type_hints(cls)[name]))
        except OmegaConfBaseException:
            continue
    return complaint(error, cls)


def words_of(hint: object) -> str:
    """What may stand where a dataclass has a field of that type."""
    inner = [part for part in get_args(hint) if part is not type(None)]
    if type(None) in get_args(hint):
        return f"{words_of(inner[0])}, or null"
    if hint is list or get_origin(hint) is list:
        return f"a list, each of it {words_of(inner[0])}" if inner else "a list"
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
    return ConfigError(key, text.split(" full_key")[0], "a value that can be resolved")
