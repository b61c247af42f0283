"""What `--help` prints: every group, choice and key, with the words that stand beside it in conf/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runner.catalog import Catalog

INTRODUCTION = """\
Trains one network by several backends from the same parameters on the same batches, compares every gradient
at every step, and says whether they agree. Exit code: 0 agree, 1 disagree, 2 bad input, 3 could not finish.

  python -m runner lr=0.05 seed=1                        one run
  python -m runner -m lr=0.01,0.05 'seed=range(1,11)'    a sweep
  python -m runner experiment=assignment                 a prepared experiment
"""

COMMANDS = {
    "new-backprop FILE": "a file to start your own backpropagation from",
    "grade FOLDER": "a verdict on every submission in a folder",
    "runs": "lists the recorded runs",
    "report RUN": "draws the plots and the page of a recorded run again",
    "compare RUN RUN": "what differs in two recorded runs",
    "replay RUN": "runs a recorded run again: are the bits the same?",
    "export RUN FILE": "gradients and deviations of a recorded run, for other programs",
    "sync FOLDER": "brings into MLflow what runs could not tell it, its store having gone away",
}
"""What is typed for each command of runner/commands, and what it does."""

COMMAND_NAMES = tuple(usage.partition(" ")[0] for usage in COMMANDS)

KEY_LINE = re.compile(r"^(?P<key>[a-z_0-9]+): +(?P<value>.*?) +# (?P<words>.*)$")


def render(catalog: Catalog) -> str:
    """The template of Hydra's help page."""
    lines = [INTRODUCTION, *_commands(), "", "Keys (KEY=VALUE)"]
    main = next(file for folder in catalog.folders if (file := folder / "config.yaml").is_file())
    lines += _keys(main, "")
    defaults = _defaults(main)
    lines += ["", "Groups (GROUP=CHOICE; * stands at the default)"]
    for group in catalog.groups():
        if group != "layer":
            lines += ["", f"  {group}: {', '.join(catalog.names(group))}"]
            lines += _group(catalog, group, defaults)
    lines += ["", f"Layers (for architecture.layers): {', '.join(catalog.names('layer'))}"]
    for name in catalog.names("layer"):
        file = catalog.find("layer", name, "layer")
        lines += [f"    {{layer: {name}}}  {_description(file)}", *(f"    {line}" for line in _keys(file, ""))]
    text = "\n".join(lines).replace("$", "$$")
    return f"{text}\n\nFlags\n$FLAGS_HELP\n"


def _commands() -> Iterator[str]:
    yield "Commands (python -m runner COMMAND --help says the rest)"
    width = max(map(len, COMMANDS))
    yield from (f"  python -m runner {usage:<{width}}    {words}" for usage, words in COMMANDS.items())


def _group(catalog: Catalog, group: str, defaults: set[str]) -> list[str]:
    lines = []
    for name in catalog.names(group):
        file = catalog.find(group, name, group)
        star = " *" if f"{group}/{name}" in defaults else ""
        lines.append(f"    {group}={name}{star}  {_description(file)}")
        prefix = f"backend.{name}." if group == "backend" else f"{group}."
        if group != "experiment":
            lines += [f"    {line}" for line in _keys(file, prefix)]
    return lines


def _defaults(main: Path) -> set[str]:
    found = re.findall(r"^  - (\w+): \[?([\w, ]+)\]?$", main.read_text(encoding="utf-8"), re.MULTILINE)
    return {f"{group}/{name}" for group, names in found for name in names.split(", ")}


def _description(file: Path) -> str:
    comments = [line[2:] for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
    return next((line for line in comments if not line.startswith("@package")), "")


def _keys(file: Path, prefix: str) -> list[str]:
    found = [match for line in file.read_text(encoding="utf-8").splitlines() if (match := KEY_LINE.match(line))]
    shown = [(f"{prefix}{m['key']}={m['value']}", m["words"]) for m in found]
    width = max((len(left) for left, _ in shown), default=0)
    return [f"  {left:<{width}}  {words}" for left, words in shown]
