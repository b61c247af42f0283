"""`python -m tests.fuzzing.inputs`: the program on random command lines and random YAML files, made by hypothesis.

It ends with 0 to 3, never with a traceback; with 2 or 3 it has said why in one line, and with 2 left nothing behind.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.progress import track

from tests.cli.process import Finished, run, tree
from tests.helpers import CATALOG, configuration

CHEAP = ("data.samples=2", "record.plots=false", "architecture.hidden=[2]")
"""What is typed first, so that a run that is right after all is short."""
SIZES = ("samples", "features", "epochs", "hidden", "out", "replicas", "batch_size", "threads", "length", "size")
"""Keys of which a large number is work, not a mistake; they are given small ones, or such as nobody has memory for."""
COUNT, FIRST_SEED = 2000, 8


class Input(NamedTuple):
    """What is typed, and the files of the folder of configuration ``own``."""

    words: tuple[str, ...]
    files: Mapping[str, bytes]


def leaves(value: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of a configuration, of its nodes too."""
    for key, item in value.items() if isinstance(value, dict) else ():
        yield f"{prefix}{key}"
        yield from leaves(item, f"{prefix}{key}.")


KEYS = sorted(leaves(configuration()))
GROUPS = sorted(CATALOG.groups())
HYDRA = ["hydra.run.dir", "hydra.sweep.dir", "hydra.job.name", "hydra.job.chdir", "hydra.searchpath", "hydra.mode"]
HYDRA += ["hydra/launcher", "hydra/sweeper", "hydra.launcher", "hydra.verbose", "hydra.output_subdir", "hydra"]
CHOICES = sorted({name for group in GROUPS for name in CATALOG.names(group)})

numbers = st.one_of(
    st.integers(-3, 20).map(str),
    st.sampled_from(
        ["0", "-1", "1e30", "1e-30", "nan", "inf", "-inf", "1e999", "0x10", "1_0", "99999999999999999999", "-0.0"]
    ),
    st.floats(-10, 10).map(repr),
)
words = st.sampled_from(
    [*CHOICES, *KEYS, "true", "false", "null", "yes", "''", "None", "scratch", "torch", "a b", "é", "%"]
)
interpolations = st.sampled_from(
    ["${lr}", "${nothing}", "${data}", "${oc.env:HOME}", "${", "${oc.env:X,${lr}}", "${a:b}"]
)
garbage = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
grammar = st.text("[]{}(),:='\"\\$~+.@/* ab1\t", max_size=12)
scalars = st.one_of(numbers, words, interpolations, garbage, grammar)
values = st.recursive(
    scalars,
    lambda inside: st.one_of(
        st.lists(inside, max_size=3).map(lambda v: f"[{','.join(v)}]"),
        st.dictionaries(st.one_of(words, garbage), inside, max_size=3).map(
            lambda v: "{" + ",".join(f"{key}: {item}" for key, item in v.items()) + "}"
        ),
        st.tuples(st.sampled_from(["int", "str", "glob", "choice", "range", "interval", "sort"]), inside).map(
            lambda v: f"{v[0]}({v[1]})"
        ),
    ),
    max_leaves=5,
)
keys = st.one_of(
    st.sampled_from(KEYS), st.sampled_from(GROUPS), st.sampled_from(HYDRA), words, garbage, st.just("data@other")
)


@st.composite
def typed(draw: st.DrawFn) -> str:
    """One word of a command line."""
    if draw(st.integers(0, 9)) == 0:
        return draw(
            st.one_of(garbage, grammar, st.sampled_from(["-h", "--cfg", "job", "-p", "--info", "--resolve", "-x"]))
        )
    key = draw(keys)
    value = draw(st.integers(-2, 5).map(str) if key.rpartition(".")[2] in SIZES else values)
    return f"{draw(st.sampled_from(['', '', '', '', '+', '++', '~']))}{key}={value}"


nodes = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 5),
        st.floats(),
        garbage,
        words,
        interpolations,
        st.dates(),
        st.binary(max_size=4),
    ),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3), st.dictionaries(st.one_of(words, garbage, st.integers(0, 3)), inside, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def yaml_file(draw: st.DrawFn) -> bytes:
    """A choice of a group: one of the program's own with some keys changed, or any YAML; some bytes of it wrong."""
    if draw(st.booleans()):
        found = yaml.safe_load(CATALOG.find("data", draw(st.sampled_from(CATALOG.names("data"))), "data").read_text())
        sizes = [key for key in found if key in SIZES]
        found |= dict.fromkeys(sizes, 3)
        for key in draw(st.lists(st.sampled_from(sorted(set(found) - set(sizes))), max_size=2)):
            found[key] = draw(nodes)
    else:
        found = draw(nodes)
    text = yaml.safe_dump(found, allow_unicode=True).encode()
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from([b"", b"\t", b":", b"- ", b"&a ", b"*a", b"\xff", b"{", b"!!x ", b"\n"]))
            + text[at + 1 :]
        )
    head = draw(st.sampled_from([b"", b"", b"# @package _global_\n", b"# @package data.x\n", b"defaults: [uniform]\n"]))
    return head + text


@st.composite
def inputs(draw: st.DrawFn) -> Input:
    if draw(st.integers(0, 2)):
        return Input((*CHEAP, *draw(st.lists(typed(), min_size=1, max_size=3))), {})
    group = draw(st.sampled_from(["data", "experiment", "loss", "target"]))
    return Input((*CHEAP[1:], "--config-dir", "own", f"{group}=drawn"), {f"{group}/drawn.yaml": draw(yaml_file())})


def taken(found: Input, store: Path) -> tuple[int, list[str]]:
    """The exit code, and in words what is wrong with how the program takes it; nothing if all is as it should be."""
    with TemporaryDirectory(prefix="input-") as name:
        folder = Path(name)
        (folder / "outputs").mkdir()
        shutil.copy(store, folder / "outputs" / "mlflow.db")
        for file, content in found.files.items():
            (folder / "own" / file).parent.mkdir(parents=True)
            (folder / "own" / file).write_bytes(content)
        before = tree(folder)
        finished = run(folder, *found.words)
        return finished.code, list(_wrong_with(finished, folder, before))


def _wrong_with(finished: Finished, folder: Path, before: Mapping[str, bytes | None]) -> Iterator[str]:
    code, lines = finished.code, finished.err.splitlines()
    told = len(lines) == 1 and finished.err.endswith("\n") and lines[0].startswith("runner: ")
    if code not in (0, 1, 2, 3):
        yield f"exit code {code}"
    if "Traceback" in finished.err or "(traceback in" in finished.err:
        yield f"a fault: {finished.err}"
    if not told if code in (2, 3) else lines:
        yield f"{code} with {finished.err!r}"
    if code == 2 and tree(folder) != before:
        yield f"left {sorted(set(tree(folder)) - set(before))}"


def drawn(count: int, first: int) -> list[Input]:
    """So many inputs; those of a seed are the same each time."""
    kept: list[Input] = []

    @seed(first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs())
    def keep(found: Input) -> None:
        kept.append(found)

    keep()
    return kept


def main() -> int:
    """1 if any input is taken as it should not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="inputs")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    arguments = parser.parse_args()
    from mlflow import MlflowClient

    codes: Counter[int] = Counter()
    bad = 0
    with TemporaryDirectory(prefix="store-") as folder:
        store = Path(folder, "mlflow.db")
        MlflowClient(f"sqlite:///{store}").search_experiments()
        for found in track(drawn(arguments.count, arguments.first_seed), "random inputs"):
            code, problems = taken(found, store)
            codes[code] += 1
            bad += bool(problems)
            if problems:
                print(f"{found}: {problems}", flush=True)
    told = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    print(f"{arguments.count} random inputs (seed {arguments.first_seed}) ended: {told}; {bad} not as they should")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
