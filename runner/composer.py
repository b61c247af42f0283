"""Hydra's composing of a sweep's jobs, each of which it composes twice, doing once what they have in common."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig

from runner.packing import Packer

REMEMBERED = 4096
"""Compositions that are kept, of some 4 kB each; one that is forgotten is made again."""


class Composer(ConfigLoaderImpl):
    """Composes what Hydra's own loader composes, from files that are read once: rows composing of the benchmark.

    What overrides of groups, and of Hydra's own keys, compose to is kept; the values that a job sets besides are set in
    a copy of it, by Hydra's own code. Whatever Hydra refuses is refused here in the same words; of two mistakes in one
    job, the one in Hydra's own keys is told.
    """

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(config_search_path)
        self._opened = lru_cache(REMEMBERED)(self._open)
        self._packer = Packer()
        self._packed = lru_cache(REMEMBERED)(self._compose)

    def __reduce__(self) -> tuple[object, ...]:
        """In another process it is Hydra's own: a launcher that works there composes each job there, and once."""
        state = {"config_search_path": self.config_search_path, "repository": self.repository}
        return object.__new__, (ConfigLoaderImpl,), state

    def _load_configuration_impl(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        self.ensure_main_config_source_available()
        parsed, repository = self._parse_overrides_and_create_caching_repo(config_name, overrides)
        if validate_sweep_overrides:
            self.validate_sweep_overrides_legal(parsed, run_mode, from_shell)
        own = [override for override in parsed if _sets_a_value(override, repository)]
        common = tuple(override.input_line or "" for override in parsed if override not in own)
        try:
            packed = self._packed(config_name, common, run_mode)
        except TypeError:  # it holds an object of a user's own
            return super()._load_configuration_impl(config_name, overrides, run_mode, from_shell)
        config = self._packer.unpacked(packed)
        self._apply_overrides_to_config(own, config)
        return _named(config, parsed)

    def _compose(self, config_name: str | None, overrides: Sequence[str], run_mode: RunMode) -> bytes:
        """A composition, to be copied by unpacking it."""
        composed = super()._load_configuration_impl(config_name, list(overrides), run_mode, True, False)
        return self._packer.packed(composed)

    def _parse_overrides_and_create_caching_repo(
        self, config_name: str | None, overrides: list[str]
    ) -> tuple[list[Override], CachingConfigRepository]:
        parsed = OverridesParser.create().parse_overrides(overrides=overrides)
        paths = (override.input_line for override in parsed if override.get_key_element() == "hydra.searchpath")
        return parsed, _Copies(self._opened(config_name, tuple(paths)))

    def _open(self, config_name: str | None, overrides: Sequence[str]) -> CachingConfigRepository:
        return super()._parse_overrides_and_create_caching_repo(config_name, list(overrides))[1]


class _Copies(CachingConfigRepository):
    """What was read, for one composition: that moves what it is given into what it makes."""

    def __init__(self, read: CachingConfigRepository) -> None:
        self.delegate, self.cache = read, {}

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self.cache:
            self.cache[config_path] = copy.deepcopy(self.delegate.load_config(config_path))
        return self.cache[config_path]


def _sets_a_value(override: Override, repository: CachingConfigRepository) -> bool:
    """Whether Hydra sets it when all else is composed, and outside its own keys, of which it makes others then."""
    if override.key_or_group.startswith("hydra"):
        return False
    return isinstance(override.value(), dict) or not repository.group_exists(override.key_or_group)


def _named(config: DictConfig, overrides: Sequence[Override]) -> DictConfig:
    """The composition with what Hydra notes of the overrides that are not its own."""
    own = [override for override in overrides if not override.is_hydra_override()]
    config.hydra.overrides.task = [override.input_line for override in own]
    form = config.hydra.job.config.override_dirname
    config.hydra.job.override_dirname = get_overrides_dirname(own, form.exclude_keys, form.item_sep, form.kv_sep)
    return config
