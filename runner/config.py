"""The typed schema of a run's configuration, and objects made from its ``_target_`` nodes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from hydra.conf import HydraConf
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from runner.catalog import Catalog
from runner.complaints import UNKNOWN, WORDS, complaint, words_of
from runner.errors import ConfigError, choices
from runner.user_code import load_class, told

T = TypeVar("T")

FLAGS = (
    *("lockstep", "resume", "shrink", "record.gradients", "record.plots", "record.svg", "record.model"),
    "tracking.system_metrics",
)
"""The run's own keys that are true or false."""
SEVERAL = "backend"
"""The only group of which several choices are made."""


@dataclass
class VerdictConfig:
    every: int = MISSING


@dataclass
class RecordConfig:
    every: int = MISSING
    gradients: Any = MISSING
    plots: Any = MISSING
    svg: Any = MISSING
    metrics: str = MISSING
    model: Any = MISSING
    published: str | None = MISSING
    replicas: str = MISSING


@dataclass
class CheckpointConfig:
    every: int | None = MISSING


@dataclass
class TrackingConfig:
    uri: str = MISSING
    experiment: str = MISSING
    system_metrics: Any = MISSING


@dataclass
class Config:
    """The top level; what ``_target_`` names is typed by the dataclass it names. Defaults live in conf/ alone.

    Of type ``Any`` are also the keys of ``FLAGS``: OmegaConf takes 2, on and y for true where it is told of a bool.
    """

    lr: float = MISSING
    lrs: list[float] | None = MISSING
    seed: int = MISSING
    replicas: int = MISSING
    epochs: int = MISSING
    batch_size: int = MISSING
    dtype: str = MISSING
    lockstep: Any = MISSING
    threads: int = MISSING
    resume: Any = MISSING
    shrink: Any = MISSING
    objective: str = MISSING
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
    checkpoint: CheckpointConfig = MISSING
    tracking: TrackingConfig = MISSING


GROUPS = {
    "verdict": VerdictConfig,
    "record": RecordConfig,
    "checkpoint": CheckpointConfig,
    "tracking": TrackingConfig,
}
"""The groups whose keys are typed here."""


def register() -> None:
    """Makes the schema and the resolvers known to Hydra; to be called before it composes."""
    from runner.help import render

    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("runner.token", lambda: secrets.token_hex(3), use_cache=True, replace=True)
    OmegaConf.register_new_resolver("runner.help", lambda *, _root_: render(catalog_of(_root_.hydra)), replace=True)


def catalog_of(hydra: DictConfig | HydraConf) -> Catalog:
    """The catalog of the folders that Hydra composed from; ``hydra`` is a config's node of that name."""
    return Catalog([Path(source.path) for source in hydra.runtime.config_sources if source.schema == "file"])


def current_catalog() -> Catalog:
    """The catalog of the job that is running."""
    return catalog_of(HydraConfig.get())


def own_part(whole: DictConfig) -> DictConfig:
    """A job's own configuration, of a composition with Hydra's node."""
    return OmegaConf.masked_copy(whole, [str(key) for key in whole if key != "hydra"])


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The whole configuration as plain values.

    Raises:
        ConfigError: A key is missing or unknown, or an interpolation leads nowhere.
    """
    _refuse_unknown(Config, cfg)
    try:
        whole = OmegaConf.merge(_schema(Config), cfg)
        plain = OmegaConf.to_container(whole, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise complaint(error, Config) from error
    assert isinstance(plain, dict)
    config = {str(key): value for key, value in plain.items()}
    for key in FLAGS:
        group, _, name = key.rpartition(".")
        node = config[group] if group else config
        node[name] = _flag(key, node[name])
    config["lrs"] = _rates(config["lrs"])
    return config


def _flag(key: str, value: object) -> bool:
    """Where it is a text, that comes of an interpolation, as of an environment variable."""
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise ConfigError(key, "null" if value is None else value, WORDS[bool])
    return found


def _rates(value: object) -> list[float] | None:
    """What an interpolation gives for a list OmegaConf takes unseen, and a list in the list."""
    if value is None:
        return None
    try:
        if isinstance(value, list) and not any(isinstance(rate, bool | str) for rate in value):
            return [float(rate) for rate in value]
    except (TypeError, OverflowError):  # it is no number, or a whole one of 309 digits
        pass
    raise ConfigError("lrs", value, words_of(get_type_hints(Config)["lrs"]))


def check_choices(chosen: Mapping[str, object], overrides: Sequence[str], catalog: Catalog) -> None:
    """Hydra merges what a list chooses of a group into one node, without a word; ``chosen`` lacks that group then.

    Raises:
        ConfigError: A list stands where there is one choice.
    """
    typed = dict(text.split("=", 1) for text in overrides if "=" in text)
    for group in catalog.groups():
        listed = group not in chosen and (group in typed or group in Config.__dataclass_fields__)
        if listed and group != SEVERAL:
            raise ConfigError(group, typed.get(group, "a list"), f"one of {', '.join(catalog.names(group))}")


def _refuse_unknown(schema: type, cfg: DictConfig, prefix: str = "") -> None:
    """Hydra's ``+key=value`` adds a key to a typed node without a word; nothing would ever read it."""
    known = [field.name for field in fields(schema)]
    for key in cfg:
        if key not in known:
            raise ConfigError(f"{prefix}{key!s}", UNKNOWN, choices(known, key))
    for name, kind in GROUPS.items():
        if not prefix and isinstance(cfg.get(name), DictConfig):
            _refuse_unknown(kind, cfg[name], f"{name}.")


@lru_cache(maxsize=256)
def _schema(cls: type) -> Any:
    """A dataclass as OmegaConf has it, to be merged with, which copies it: row short_jobs of the benchmark."""
    return OmegaConf.structured(cls)


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
        typed = OmegaConf.merge(_schema(cls), values)  # type: ignore[arg-type]  # a type[T] is hashable
        plain = OmegaConf.to_container(typed, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise _culprit(cls, values, error).below(key) from error
    assert isinstance(plain, dict)
    try:
        for name, hint in get_type_hints(cls).items():
            if hint in (bool, bool | None) and values.get(name) is not None:  # OmegaConf takes 2 for true
                plain[name] = _flag(name, values[name])
        made = cls(**{str(k): v for k, v in plain.items()})
        if hasattr(made, "check"):
            made.check()
    except ConfigError as error:
        raise error.below(key) from error
    except Exception as error:  # a user's own class may raise anything
        raise ConfigError(key, f"{cls.__name__}, which raised {told(error)}", "values that it takes") from error
    return made


def _locate(path: str, key: str, kind: type[T]) -> type[T]:
    cls: type[T] = load_class(key, path)
    if not (isinstance(cls, type) and issubclass(cls, kind) and is_dataclass(cls)):
        raise ConfigError(key, path, f"MODULE.CLASS or FILE.py:CLASS of a {kind.__name__} class, a dataclass")
    return cls


def build_named(node: object, key: str, kind: type[T], catalog: Catalog, group: str, word: str) -> T:
    """The object of ``{word: NAME, ...its keys}``: the keys that are not given come from conf/GROUP/NAME.yaml."""
    if not isinstance(node, dict) or not isinstance(node.get(word), str):
        raise ConfigError(key, node, f"{{{word}: NAME, ...its keys}}, NAME one of {', '.join(catalog.names(group))}")
    file = catalog.find(group, node[word], key)
    defaults = _loaded(file, file.read_bytes())
    if "_target_" in node:
        raise ConfigError(f"{key}._target_", node["_target_"], f"the keys of the {group} that `{word}` names")
    given = {k: v for k, v in node.items() if k != word}
    return build({**defaults, **given, "_target_": defaults["_target_"]}, key, kind)


@lru_cache(maxsize=256)
def _loaded(file: Path, content: bytes) -> dict[Any, Any]:  # noqa: ARG001  # content tells files apart
    """A choice's file, parsed once for as long as it says the same: a network's layers have one file for many."""
    found = OmegaConf.to_container(OmegaConf.load(file))
    assert isinstance(found, dict)
    return found


def _culprit(cls: type, values: Mapping[str, Any], error: OmegaConfBaseException) -> ConfigError:
    """The complaint about the field that is at fault; OmegaConf loses its name in a nested list."""
    for name, value in values.items():
        try:
            OmegaConf.merge(_schema(cls), {name: value})
        except (ConfigKeyError, ConfigAttributeError):
            continue
        except OmegaConfBaseException as alone:
            found = complaint(alone, cls)
            if found.key != name and re.split(r"[.\[]", found.key)[0] == name:
                return found
            return ConfigError(name, "null" if value is None else value, words_of(get_type_hints(cls)[name]))
    return complaint(error, cls)
