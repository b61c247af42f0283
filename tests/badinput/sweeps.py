"""Sweeps that are refused before their first job."""

from __future__ import annotations

from .rows import Files, Refused

FILES: Files = {"text.txt": "hello\n"}
SWEPT: list[tuple[list[str], str, str]] = [
    (["lr="], "lr", "a number"),
    (["lr=0.1,"], "command line", "KEY=VALUE"),
    (["lr=,0.1"], "command line", "KEY=VALUE"),
    (["lr=0.1,,0.2"], "command line", "KEY=VALUE"),
    (["lr=0.1,0.2)"], "command line", "KEY=VALUE"),
    (["lr=choice(0.1"], "command line", "KEY=VALUE"),
    (["lr=choice()"], "", "allowed"),
    (["architecture.hidden=[1],[2"], "command line", "KEY=VALUE"),
    (["architecture.hidden={1},{2}"], "command line", "KEY=VALUE"),
    (["seed=range(1,10,0)"], "", "allowed"),
    (["seed=range(5,1)"], "command line", "without a job"),
    (["seed=range(a,b)"], "", "allowed"),
    (["seed=rnage(1,3)"], "", "allowed"),
    (["seed=interval(1,3)"], "configuration", "INTERVAL"),
    (["seed=tag(a,b,1)"], "", ""),
    (["seed=sort(3,1"], "command line", "KEY=VALUE"),
    (["data=glob(nothing*)"], "command line", "without a job"),
    (["data=uniform,unifrom"], "data", "did you mean uniform?"),
    (["backend=[scratch,torch],[scratch,torhc]"], "backend", "did you mean torch?"),
    (["lr=0.1,abc"], "lr", "a number"),
    (["lr=0.1,0.2", "lrr=1"], "lrr", "did you mean lr?"),
    (["hydra/launcher=basci"], "hydra/launcher", "basic"),
    (["hydra/sweeper=nothing"], "hydra/sweeper", "basic"),
    (["hydra/launcher=basic,stacked"], "configuration", "hydra/launcher=basic,stacked"),
    (["hydra.launcher._target_=nowhere.X"], "", "nowhere"),
    (["hydra.launcher.nothing=1"], "hydra.launcher.nothing", "allowed"),
    (["hydra.sweep.dir=text.txt"], "hydra.sweep.dir", "text.txt"),
    (["hydra.sweep.dir=text.txt/below"], "hydra.sweep.dir", "text.txt"),
    (["hydra.sweep.dir=null"], "hydra.sweep.dir", "null"),
    (["hydra.sweep.dir=/proc/sweep"], "hydra.sweep.dir", "/proc"),
    (["hydra.sweep.dir=${nothing}"], "hydra.sweep.dir", "nothing"),
    (["hydra.sweep.subdir=${nothing}", "seed=1,2"], "", "nothing"),
    (["hydra.sweep.dri=x"], "hydra.sweep.dri", "did you mean dir?"),
    (["hydra.mode=nothing"], "", "allowed"),
    (["tracking.uri=ftp://x", "seed=1,2"], "tracking.uri", "sqlite"),
    (["tracking.uri=sqlite:///text.txt", "seed=1,2"], "tracking.uri", "no sqlite file"),
    (["tracking.experiment=", "seed=1,2"], "tracking.experiment", "a name"),
    (["seed=1,2", "--config-dir", "nowhere"], "--config-dir", "nowhere"),
    (["seed=1,2", "--foo"], "command line", "--help"),
]
ROWS = [Refused(["-m", *words], key, word) for words, key, word in SWEPT]
