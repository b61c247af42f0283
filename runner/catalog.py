"""The choices that lie on the config search path: a folder a group, a YAML file a choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.errors import ConfigError, choices
from runner.paths import CONF


class Catalog:
    """Folders of configuration, the first wins (a user's ``--config-dir`` stands before ours)."""

    def __init__(self, folders: Sequence[Path] = (CONF,)) -> None:
        self.folders = list(folders)

    def names(self, group: str) -> list[str]:
        """The choices of a group, sorted."""
        return sorted({file.stem for folder in self.folders for file in (folder / group).glob("*.yaml")})

    def groups(self) -> list[str]:
        """The groups that hold a choice, sorted, Hydra's own left out."""
        found = {
            sub.name for folder in self.folders for sub in folder.iterdir() if sub.is_dir() and sub.name != "hydra"
        }
        return sorted(group for group in found if self.names(group))

    def find(self, group: str, name: str, key: str) -> Path:
        """A choice's file.

        Raises:
            ConfigError: There is none of that name; ``key`` is where the name stands.
        """
        if name not in self.names(group):
            raise ConfigError(key, repr(name), choices(self.names(group), name))
        return next(file for folder in self.folders if (file := folder / group / f"{name}.yaml").is_file())
