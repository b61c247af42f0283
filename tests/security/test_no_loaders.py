"""No source of the program calls what runs code that a file or a text holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.process import ROOT

SOURCES = [file for name in ("runner", "hydra_plugins", "documentation") for file in (ROOT / name).rglob("*.py")]
LOADERS = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle", "code", "pty")
IMPORTS_FOR_AN_ERROR = {("runner/init/state_dict.py", "pickle")}
"""torch.load raises pickle's error where it refuses a file."""
CALLS = ("eval", "exec", "compile", "__import__", "read_pickle", "to_pickle", "Unpickler", "system", "popen", "mktemp")
OURS = {("runner/backends/torch_compiled.py", "compile")}
"""torch.compile."""


def found(file: Path, tree: ast.AST) -> Iterator[str]:
    """What is not to be there, a line each."""
    where = file.relative_to(ROOT).as_posix()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.partition(".")[0] in LOADERS and (where, name) not in IMPORTS_FOR_AN_ERROR:
                yield f"imports {name}"
        if isinstance(node, ast.Call):
            yield from (f"calls {words}" for words in called(node, where))


def called(node: ast.Call, where: str) -> Iterator[str]:
    keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
    words = ast.unparse(node.func)
    owner, _, name = words.rpartition(".")
    if owner in ("re", "_re") or (where, name) in OURS:
        return
    if name in CALLS or keywords.get("shell") == "True":
        yield words
    if owner == "pickle" or (name == "loads" and owner != "json"):
        yield words
    if owner in ("np", "numpy") and name == "load" and keywords.get("allow_pickle") != "False":
        yield f"{words} without allow_pickle=False"
    if owner == "torch" and name == "load" and keywords.get("weights_only") != "True":
        yield f"{words} without weights_only=True"
    if (
        owner == "yaml"
        and name != "safe_load"
        and name.endswith(("load", "load_all"))
        and "_Plain" not in map(ast.unparse, node.args)
    ):
        yield words


def test_no_source_has_one() -> None:
    assert SOURCES
    bad = {
        file.relative_to(ROOT).as_posix(): words
        for file in SOURCES
        if (words := list(found(file, ast.parse(file.read_text(encoding="utf-8")))))
    }
    assert bad == {}


@pytest.mark.parametrize(
    "text",
    [
        *("import pickle", "from joblib import load", "eval(x)", "np.load(f)", "np.load(f, allow_pickle=True)"),
        *("torch.load(f)", "torch.load(f, weights_only=False)", "yaml.load(f, yaml.Loader)", "pandas.read_pickle(f)"),
        *("subprocess.run(x, shell=True)", "os.system(x)", "yaml.unsafe_load(f)", "cloudpickle.loads(x)"),
    ],
)
def test_each_would_be_seen(text: str) -> None:
    assert list(found(ROOT / "runner" / "new.py", ast.parse(text)))
