"""The page of all groups, choices and keys: the words of conf/, the types of the classes and of the schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from runner.catalog import Catalog
from runner.complaints import words_of
from runner.config import FLAGS, GROUPS, Config
from runner.help import KEY_LINE
from runner.paths import CONF
from runner.user_code import load_class

HEAD = """\
# All groups, choices and keys

A group's choice is made by `GROUP=CHOICE`, a key is set by `KEY=VALUE`: `python -m runner loss=mse lr=0.1`. A star
marks the choice that is made by default. `???` stands where there is no default: the key has to be given. What a run
would take is printed by `--cfg job`, what stands here by `--help`; both are made from the same files, those of `conf/`.
"""
SCHEMA: Mapping[str, type] = GROUPS
"""The groups whose keys are the program's own and not those of a class that ``_target_`` names."""
DERIVED = {"layer": "{name}", "loss": "{name}", "optimizer": "{name}", "schedule": "schedules", "clip": "clipping"}
"""The page in derivations/ of a group's choice."""
TABLE = ["| key | default | takes | meaning |", "|---|---|---|---|"]


def catalogue() -> str:
    """The whole page in Markdown."""
    catalog = Catalog()
    main = CONF / "config.yaml"
    parts = [HEAD, "## The run's own keys", _table(main, "", Config)]
    defaults = [line for line in yaml.safe_load(main.read_text(encoding="utf-8"))["defaults"] if isinstance(line, dict)]
    chosen = {group: made if isinstance(made, list) else [made] for line in defaults for group, made in line.items()}
    for group in catalog.groups():
        names = catalog.names(group)
        parts.append(f"## {group}")
        if group == "layer":
            parts.append("For `architecture.layers`, each as `{layer: NAME, ...its keys}`.")
        parts.append(", ".join(f"[`{name}`](#{group}-{name})" for name in names))
        for name in names:
            parts += _choice(catalog.find(group, name, group), group, name, name in chosen.get(group, []))
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _choice(file: Path, group: str, name: str, default: bool) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    words = next((line[2:] for line in lines if line.startswith("# ") and "@package" not in line), "")
    typed = f"{{layer: {name}}}" if group == "layer" else f"{group}={name}"
    page = DERIVED.get(group, "").format(name=name)
    derived = f" Derived [on a page of its own](derivations/{page}.md)." if page else ""
    star = " \\*" if default else ""
    parts = [f"### `{typed}`{star} {{ #{group}-{name} }}", words + derived]
    if group == "experiment":
        body = [line for line in lines if not line.startswith("# ")]
        return [*parts, "\n".join(["```yaml", *body, "```"])]
    target = yaml.safe_load("\n".join(lines)).get("_target_")
    prefix = {"layer": "", "backend": f"backend.{name}."}.get(group, f"{group}.")
    return [*parts, _table(file, prefix, load_class(group, target) if target else SCHEMA[group])]


def _table(file: Path, prefix: str, schema: type) -> str:
    """A row a key; nothing where there is none."""
    hints = get_type_hints(schema)
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if found := KEY_LINE.match(line):
            hint: Any = bool if prefix + found["key"] in FLAGS else hints[found["key"]]
            cells = f"`{prefix}{found['key']}`", f"`{found['value']}`", words_of(hint), _escaped(found["words"])
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join([*TABLE, *rows]) if rows else ""


def _escaped(words: str) -> str:
    """Words of a comment, in which none of Markdown's signs means anything."""
    return "".join(f"\\{sign}" if sign in "|*_[]<>{}$`" else sign for sign in words)
