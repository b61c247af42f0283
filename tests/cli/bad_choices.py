"""Bad choices, files, places and command lines; see ``bad_values`` for what a row says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from .bad_values import Bad

CHOICES = [
    Bad(["data=unifrom"], "data", "did you mean uniform?"),
    Bad(["target=halfsum"], "target", "half_sum_of_squares"),
    Bad(["architecture=mpl"], "architecture", "did you mean mlp?"),
    Bad(["init=fil"], "init", "did you mean file?"),
    Bad(["loss=ssee"], "loss", "did you mean sse?"),
    Bad(["optimizer=sdg"], "optimizer", "did you mean sgd?"),
    Bad(["verdict=strict"], "verdict", "default"),
    Bad(["record=all"], "record", "default"),
    Bad(["tracking=mysql"], "tracking", "sqlite"),
    Bad(["experiment=asignment"], "experiment", "did you mean assignment?"),
    Bad(["hydra/launcher=nothing"], "hydra/launcher", "basic"),
    Bad(["backend=[scratch,torhc]"], "backend", "did you mean torch?"),
    Bad(["backend=[scratch]"], "backend", "at least two"),
    Bad(["backend=torch"], "backend", "at least two"),
    Bad(["backend=[torch,torch]"], "backend", "different"),
    Bad(["backend=[scratch,torch,scratch]"], "backend", "different"),
    Bad(["loss=[mse,l1]"], "loss", "got [mse,l1]; allowed: one of bce,"),
    Bad(["optimizer=[adam]"], "optimizer", "got [adam]; allowed: one of adadelta,"),
    Bad(["schedule=[step,cosine]"], "schedule", "got [step,cosine]; allowed: one of constant,"),
    Bad(["experiment=[assignment,iris_mlp]"], "experiment", "got [assignment,iris_mlp]; allowed: one of assignment,"),
    Bad(["--config-dir", "own", "experiment=two"], "loss", "got a list; allowed: one of bce,"),
    Bad(["backend=[torch,scratch]", "verdict=5"], "verdict", "got 5; allowed: default"),
    Bad(["backend=[]"], "backend", "a list of at least two different names"),
    Bad(["backend=scratch,torch"], "backend", "[a,b]"),
    Bad(["backend.scratch=5"], "backend.scratch", "_target_"),
    Bad(["backend.torch.device=gpu"], "backend.torch.device", "got gpu; allowed: cpu"),
    Bad(["~backend.torch"], "backend", "at least two"),
]

COMMAND_LINE = [
    Bad(["hydra.output_subdir=described", "lr=-1"], "lr", "a finite number from 0"),
    Bad(["hydra.output_subdir=a/b", "hydra.run.dir=one", "lr=-1"], "lr", "a finite number from 0"),
    Bad(["lr=[1,"], "command line", "KEY=VALUE"),
    Bad(["lr={a"], "command line", "KEY=VALUE"),
    Bad(["lr"], "command line", "KEY=VALUE"),
    Bad(["=5"], "", "KEY=VALUE"),
    Bad(["data.samples==5"], "command line", "KEY=VALUE"),
    Bad(["dtype=${data.samples"], "command line", "KEY=VALUE"),
    Bad(["--foo"], "command line", "--help"),
    Bad(["--cfg"], "command line", "expected one argument"),
    Bad(["--cfg", "nothing"], "command line", "job"),
    Bad(["--cfg", "job", "lr=abc"], "lr", "a number"),
    Bad(["--cfg", "job", "--resolve", "lr=${nothing}"], "lr", "nothing"),
    Bad(["--cfg", "job", "-p", "nowhere"], "", "nowhere"),
    Bad(["--config-name", "foo"], "config", "config"),
    Bad(["lr=0.1,0.2"], "lr", "-m"),
    Bad(["seed=range(1,3)"], "seed", "-m"),
    Bad(["+lr=1"], "", "'lr=1'"),
    Bad(["~lr"], "lr", "no default"),
    Bad(["~data"], "data", "no default"),
    Bad(["~backend"], "", "backend"),
    Bad(["~nothing"], "", "nothing"),
    Bad(["~data.samples"], "data.samples", "no default"),
    Bad(["lr=${nothing}"], "lr", "nothing"),
    Bad(["lr=${lr}"], "lr", "allowed"),
    Bad(["data.samples=${oc.env:NO_SUCH_VARIABLE}"], "data.samples", "NO_SUCH_VARIABLE"),
    Bad(["lr=${unknown:1}"], "lr", "unknown"),
    Bad(["hydra.run.dir=inputs/text.txt"], "hydra.run.dir", "inputs/text.txt"),
    Bad(["hydra.run.dir=inputs/text.txt/sub"], "hydra.run.dir", "inputs/text.txt"),
    Bad(["-m", "hydra.sweep.dir=inputs/text.txt"], "hydra.sweep.dir", "inputs/text.txt"),
]

TRACKING = [
    Bad([f"tracking.uri={uri}"], "tracking.uri", word)
    for uri, word in {
        "ftp://x": "sqlite",
        "inputs": "sqlite",
        "''": "sqlite",
        "file:///nowhere": "sqlite",
        "sqlite:///inputs": "no sqlite file",
        "sqlite:///inputs/text.txt": "no sqlite file",
        "sqlite:///inputs/text.txt/x.db": "is a file",
        "sqlite:///": "sqlite:///PATH",
        "sqlite+nothing:///x.db": "allowed",
        "http://": "http",
        "'http://[x'": "allowed",
        "http://localhost:port": "allowed",
        "http://localhost:99999": "allowed",
    }.items()
]

INIT_WORDS = {
    "nothing.json": "No such file",
    "text.txt": ".safetensors",
    "folder.json": "directory",
    "folder.npz": "directory",
    "folder.safetensors": "directory",
    "text.txt/a.json": "Not a directory",
    "malformed.json": "well-formed",
    "list.json": "well-formed",
    "deep.json": "well-formed",
    "latin.json": "well-formed",
    "strings.json": "well-formed",
    "nan.json": "finite",
    "big.json": "allowed",
    "other.json": "hidden_layer_2.bias",
    "lacking.json": "input_layer.bias",
    "malformed.npz": "well-formed",
    "empty.npz": "well-formed",
    "object.npz": "well-formed",
    "complex.npz": "allowed",
    "malformed.safetensors": "well-formed",
    "empty.safetensors": "well-formed",
    "shape.safetensors": "(10, 2)",
}
NARROW = "architecture.hidden=[3]"
PUBLISHED_WORDS = {"nothing.json": "No such file", "text.txt": ".json", "folder.json": "directory"}
PUBLISHED_WORDS |= {"malformed.json": ".json", "list.json": ".json", "deep.json": ".json", "lacking.json": "loss"}
FILES = [
    Bad(["init=file"], "init.path", "no default"),
    Bad(["init=file", "init.path=null"], "init.path", "text"),
    *(Bad(["init=file", f"init.path=inputs/{name}"], "init.path", word) for name, word in INIT_WORDS.items()),
    *(Bad([f"record.published=inputs/{name}"], "record.published", word) for name, word in PUBLISHED_WORDS.items()),
    Bad(["record.published=package:published/published.json", NARROW], "record.published", "(3, 2)"),
]

UNIFORM = "runner.data.distributions.uniform.Uniform"
OWN = {
    "tab": ("samples:\n\t- 1\n", "", "tab.yaml"),
    "unclosed": ("samples: [1, 2\n", "", "unclosed.yaml"),
    "list": ("- a\n- b\n", "data", "_target_"),
    "scalar": ("5\n", "data", "allowed"),
    "empty": ("", "data", "_target_"),
    "twice": ("a: 1\na: 2\n", "", "twice.yaml"),
    "targetless": ("samples: 3\n", "data", "_target_"),
    "nowhere": ("_target_: nowhere.X\n", "data._target_", "nowhere"),
    "layer": ("_target_: runner.layers.tanh.Tanh\nname: null\n", "data._target_", "Data"),
    "unknown": ("defaults: [uniform]\nsamplez: 3\n", "data.samplez", "did you mean samples?"),
    "missing": (f"_target_: {UNIFORM}\nheld_out: 0.0\nsamples: 3\n", "data.features", "no default"),
    "default": ("defaults:\n  - /data: nothing\n", "data", "nothing"),
}
CONFIG_DIR = [
    Bad(["--config-dir", "nowhere"], "--config-dir", "nowhere"),
    Bad(["--config-dir", "inputs/text.txt"], "--config-dir", "folder"),
    Bad(["--config-dir", "own", "data=binary"], "", "binary"),
    *(Bad(["--config-dir", "own", f"data={name}"], key, word) for name, (_, key, word) in OWN.items()),
]


def write_bad_files(folder: Path) -> None:
    """The files that the rows speak of: ``inputs`` and ``own``."""
    inputs, own = folder / "inputs", folder / "own" / "data"
    own.mkdir(parents=True)
    for name in ("folder.json", "folder.npz", "folder.safetensors"):
        (inputs / name).mkdir(parents=True)
    texts = {"text.txt": "hello\n", "malformed.json": '{"a": [1, 2', "list.json": "[1]", "deep.json": "[" * 100_000}
    texts |= {"malformed.npz": "no archive", "empty.npz": "", "empty.safetensors": ""}
    weight = "input_layer.weight"
    texts |= {"strings.json": json.dumps({weight: [["a", "b"]]}), "nan.json": json.dumps({weight: [[float("nan")]]})}
    texts |= {"big.json": f'{{"{weight}": [[1{"0" * 400}]]}}', "other.json": '{"w": [1]}'}
    texts |= {"lacking.json": json.dumps({weight: np.zeros((10, 2)).tolist()})}
    for name, text in texts.items():
        (inputs / name).write_text(text, encoding="utf-8")
    (inputs / "latin.json").write_bytes(b'{"\xe9": 1}')
    (inputs / "malformed.safetensors").write_bytes(b"\xff" * 40)
    save_file({weight: np.ones((3, 3), np.float32)}, inputs / "shape.safetensors")
    arrays: dict[str, Any] = {"object.npz": np.array([{}], dtype=object), "complex.npz": np.full((10, 2), 1j)}
    for name, value in arrays.items():
        np.savez(inputs / name, **{weight: value})
    for name, (text, _, _) in OWN.items():
        (own / f"{name}.yaml").write_text(text, encoding="utf-8")
    (own / "binary.yaml").write_bytes(bytes(range(256)))
    experiment = folder / "own" / "experiment" / "two.yaml"
    experiment.parent.mkdir()
    experiment.write_text("# @package _global_\ndefaults:\n  - override /loss: [mse, l1]\n", encoding="utf-8")
