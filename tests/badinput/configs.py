"""Folders of configuration, and whole configurations, that cannot be read or mean nothing."""

from __future__ import annotations

from .data_files import link
from .rows import Files, Refused

UNIFORM = "runner.data.distributions.uniform.Uniform"
BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
)
WHOLE = f"_target_: {UNIFORM}\nsamples: {{}}\nfeatures: 2\nlow: 0.0\nhigh: 1.0\nheld_out: 0.0\n"
DATA: dict[str, tuple[str | bytes, str, str]] = {
    "tabs": ("samples:\n\t- 1\n", "", "tabs.yaml"),
    "undefined": ("a: *b\n", "", "undefined.yaml"),
    "latin": (b"a: \xe9\n", "", "latin.yaml"),
    "wide": ("a: 1\n".encode("utf-16"), "data", ""),
    "nul": (b"a: \x00\n", "", "nul.yaml"),
    "python": ("a: !!python/object/apply:os.system ['touch called']\n", "", "python.yaml"),
    "module": ("a: !!python/module:os\n", "", "module.yaml"),
    "binary": ("a: !!binary |\n  R0lGODlhDAAMAIQAAP==\n", "data", ""),
    "date": ("_target_: x\na: 2020-01-01\n", "", ""),
    "set": ("? a\n? b\n", "data", "_target_"),
    "deep": ("a: " + "[" * 1500 + "]" * 1500 + "\n", "", "deep.yaml"),
    "two": ("a: 1\n---\nb: 2\n", "", "two.yaml"),
    "colons": ("a: b: c\n", "", "colons.yaml"),
    "quotes": ("a: 'b\n", "", "quotes.yaml"),
    "number": ("5: 6\n", "data", "_target_"),
    "keys": ("[1, 2]: 3\n", "", "keys.yaml"),
    "huge": (WHOLE.format("9" * 400), "data.samples", "allowed"),
    "hex": (WHOLE.format("0xzz"), "data.samples", "a whole number"),
    "mapping": (WHOLE.format("{a: 1}"), "data.samples", "a whole number"),
    "interpolated": (WHOLE.format("${data.samples}"), "data.samples", "allowed"),
    "resolver": (WHOLE.format("${oc.decode:'{'}"), "data.samples", "allowed"),
    "again": ("defaults: [again]\n", "data", "includes itself"),
    "there": ("defaults: [back]\n", "data", "includes itself"),
    "back": ("defaults: [there]\n", "data", "includes itself"),
    "five": ("defaults: 5\n", "", ""),
    "pairs": ("defaults: [{a: b, c: d}]\n", "", ""),
    "nulls": ("defaults: [null]\n", "", ""),
    "absent": ("defaults: [uniform, /loss: nothing]\n", "loss", "nothing"),
    "package": ("# @package _global_\nlr: abc\n", "lr", "a number"),
    "hydra": ("# @package hydra\nrun: 5\n", "", ""),
}
FILES: Files = {
    **{f"own/data/{name}.yaml": text for name, (text, _, _) in DATA.items()},
    "own/data/folder.yaml/a": "",
    "own/data/gone.yaml": link("nowhere.yaml"),
    "own/data/round.yaml": link("round.yaml"),
    "taken/data/uniform.yaml": "samples: 5\n",
    "taken2/config.yaml": "lr: 5\n",
    "text.txt": "hello\n",
    "bombs/data/bomb.yaml": f"{BOMB}\n_target_: x\n",
    "rings/data/ring.yaml": "a: &a [*a]\n",
}
ROWS = [
    *(Refused(["--config-dir", "own", f"data={name}"], key, word) for name, (_, key, word) in DATA.items()),
    Refused(["--config-dir", "own", "data=folder"], "data", "folder"),
    Refused(["--config-dir", "own", "data=gone"], "data", "gone"),
    Refused(["--config-dir", "own", "data=round"], "data", "round"),
    Refused(["--config-dir", "taken"], "data", "names that the program does not use itself"),
    Refused(["--config-dir", "taken2"], "--config-dir", "names that the program does not use itself"),
    Refused(["--config-dir", "nowhere"], "--config-dir", "nowhere"),
    Refused(["--config-dir", "text.txt"], "--config-dir", "text.txt"),
    Refused(["--config-dir", "bombs", "data=bomb"], "data", "1234567911 values"),
    Refused(["--config-dir", "rings", "data=ring"], "data", "an alias of itself"),
    Refused(["--config-path", "nowhere"], "--config-path", "nowhere"),
    Refused(["--config-name", "nothing"], "config", "nothing"),
    Refused(["--config-name", "../x"], "--config-name", "../x"),
    Refused(["hydra.searchpath=[file://nowhere]"], "hydra.searchpath", "path=nowhere"),
    Refused(["hydra.searchpath=5"], "configuration", "hydra.searchpath"),
    Refused(["data.samples=" + "9" * 400], "data.samples", "allowed"),
    Refused(["lr=" + "[" * 2000], "command line", "KEY=VALUE"),
    Refused(["architecture.layers=" + "[" * 300 + "]" * 300], "command line", "nested too deeply"),
    Refused(["lr=1e999"], "lr", "finite"),
    Refused(["+a." + "b." * 300 + "c=1"], "command line", "KEY=VALUE"),
    Refused(["lr=\x01"], "", "allowed"),
    Refused(["data=\n"], "command line", "KEY=VALUE"),
    Refused([""], "", "allowed"),
    Refused(["lr=0.1\nseed=2"], "", "allowed"),
    Refused(["хост=1"], "command line", "KEY=VALUE"),
    Refused(["data/nothing=1"], "", "allowed"),
    Refused(["clip=[-1,tanh,${a:b}]"], "configuration", "interpolation"),
    Refused(["data@x=uniform"], "", "allowed"),
    Refused(["lr@x=1"], "", "allowed"),
    Refused(["hydra.job.name=../../x", "lr=abc"], "lr", "a number"),
    Refused(["hydra.output_subdir=../x", "lr=abc"], "lr", "a number"),
    Refused(["hydra.run.dir=.", "lr=abc"], "lr", "a number"),
    Refused(["hydra.run.dir=/proc/runs"], "hydra.run.dir", "/proc"),
    Refused(["hydra.run.dir=" + "x" * 300], "hydra.run.dir", "too long"),
    Refused(["hydra.callbacks.footprint._target_=nowhere.X"], "", "nowhere"),
    Refused(["hydra.callbacks=5"], "hydra.callbacks", ""),
    Refused(["hydra/job_logging=nothing"], "hydra/job_logging", "nothing"),
    Refused(["~hydra.run.dir"], "", ""),
]
