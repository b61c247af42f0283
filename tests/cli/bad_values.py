"""Bad values on the command line: arguments, the key that the line must name, and a word that must be in it."""

from __future__ import annotations

from typing import NamedTuple


class Bad(NamedTuple):
    """``key`` stands right behind "runner: "; ``word``, which helps to set it right, anywhere in the line."""

    args: list[str]
    key: str
    word: str


def layers(*nodes: str) -> list[str]:
    return [f"architecture.layers=[{','.join(nodes)}]"]


UNKNOWN_KEYS = [
    Bad(["learning_rate=0.1"], "learning_rate", "batch_size"),
    Bad(["lrr=0.1"], "lrr", "did you mean lr?"),
    Bad(["sed=1"], "sed", "did you mean seed?"),
    Bad(["data.sample=5"], "data.sample", "did you mean samples?"),
    Bad(["target.power=3"], "target.power", "not known"),
    Bad(["architecture.hiden=[3]"], "architecture.hiden", "did you mean hidden?"),
    Bad(["init.pth=x"], "init.pth", "not known"),
    Bad(["loss.reduction=mean"], "loss.reduction", "not known"),
    Bad(["optimizer.rho=0.9"], "optimizer.rho", "not known"),
    Bad(["backend.torch.devise=cpu"], "backend.torch.devise", "did you mean device?"),
    Bad(["verdict.evry=1"], "verdict.evry", "did you mean every?"),
    Bad(["record.evry=1"], "record.evry", "did you mean every?"),
    Bad(["tracking.url=x"], "tracking.url", "did you mean uri?"),
    Bad(["hydra.run.dri=x"], "hydra.run.dri", "did you mean dir?"),
    Bad(["+lr2=1"], "lr2", "did you mean lr?"),
    Bad(["+data.sampels=3"], "data.sampels", "did you mean samples?"),
    Bad(["+verdict.evry=2"], "verdict.evry", "did you mean every?"),
    Bad(["+tracking.url=x"], "tracking.url", "did you mean uri?"),
    Bad(["+backend.scratch.x=1"], "backend.scratch.x", "not known"),
    Bad(["-m", "nothing=1,2"], "nothing", "not known"),
]

WRONG_TYPES = [
    Bad(["lr=abc"], "lr", "a number"),
    Bad(["lr=true"], "lr", "a number"),
    Bad(["lr="], "lr", "a number"),
    Bad(["lr=[0.1,0.2]"], "lr", "a number; lrs=[LR,LR,...] takes several"),
    Bad(["lrs=0.1"], "lrs", "a list, each of it a number, or null"),
    Bad(["seed=1.5"], "seed", "a whole number"),
    Bad(["epochs=two"], "epochs", "a whole number"),
    Bad(["replicas=0"], "replicas", "a whole number from 1"),
    Bad(["lrs=${lr}"], "lrs", "a list, each of it a number, or null"),
    Bad(["lrs=[[1]]"], "lrs", "a list, each of it a number, or null"),
    Bad(["lrs=${architecture.hidden}", "architecture.hidden=[true]"], "lrs", "a list, each of it a number, or null"),
    Bad(["lrs=[]"], "lrs", "null, or a list of finite numbers from 0"),
    Bad(["lrs=[0.1,0.1]"], "lrs", "different numbers"),
    Bad(["lrs=[0.1,1e39]"], "lrs.1", "a number in the range of float32: at most 3.4028235e+38 in size"),
    Bad(["record.metrics=last"], "record.metrics", "every, summary"),
    Bad(["record.replicas=all"], "record.replicas", "summary, each"),
    Bad(["replicas=2", "lockstep=false"], "lockstep", "true beside replicas above 1"),
    Bad(["batch_size=1.5"], "batch_size", "a whole number"),
    Bad(["dtype=[a]"], "dtype", "allowed"),
    Bad(["lockstep=maybe"], "lockstep", "true or false"),
    Bad(["lockstep=2"], "lockstep", "lockstep: got 2; allowed: true or false"),
    Bad(["lockstep=0"], "lockstep", "lockstep: got 0; allowed: true or false"),
    Bad(["lockstep=yes"], "lockstep", "true or false"),
    Bad(["shrink=2"], "shrink", "true or false"),
    Bad(["+backend.$a={use: scratch}"], "backend.$a", "a name of letters"),
    Bad(["record.gradients=2"], "record.gradients", "true or false"),
    Bad(["tracking.system_metrics=2"], "tracking.system_metrics", "true or false"),
    Bad(["threads=many"], "threads", "a whole number"),
    Bad(["data.samples=ten"], "data.samples", "a whole number"),
    Bad(["data.features=1.5"], "data.features", "a whole number"),
    Bad(["data.low=abc"], "data.low", "a number"),
    Bad(["data.high=[1]"], "data.high", "a number"),
    Bad(["data=inline", "data.x=[[a]]"], "data.x", "number"),
    Bad(["data=inline", "data.x=[1.0,2.0]"], "data.x", "list"),
    Bad(["architecture.hidden=10"], "architecture.hidden", "list"),
    Bad(["architecture.hidden=[a]"], "architecture.hidden", "a whole number"),
    Bad(["architecture.activation=[sigmoid]"], "architecture.activation", "text"),
    Bad(["architecture.out=one"], "architecture.out", "a whole number"),
    Bad(["architecture.layers=linear"], "architecture.layers", "list"),
    Bad(["verdict.every=x"], "verdict.every", "a whole number"),
    Bad(["record.every=x"], "record.every", "a whole number"),
    Bad(["record.gradients=perhaps"], "record.gradients", "true or false"),
    Bad(["record.published=[a]"], "record.published", "text"),
    Bad(["tracking.uri=[a]"], "tracking.uri", "text"),
    Bad(["tracking.experiment=[a]"], "tracking.experiment", "text"),
    Bad(["hydra.job.chdir=maybe"], "hydra.job.chdir", "true or false"),
    Bad(["optimizer=adam", "optimizer.betas=0.9"], "optimizer.betas", "got 0.9; allowed: a list, each of it a number"),
    Bad(["optimizer=adam", "optimizer.betas=[0.9,x]"], "optimizer.betas[1]", "got x; allowed: a list"),
    Bad(["optimizer=adam", "optimizer.betas={a: 1}"], "optimizer.betas", "got a mapping; allowed: a list"),
    Bad(["target=linear", "target.bias=1"], "target.bias", "got 1; allowed: a list, each of it a number, or null"),
    Bad(["data=csv", "data.path=x.csv", "data.features=a"], "data.features", "got a; allowed: a list, each of it text"),
    Bad(["optimizer.momentum=0.9", "optimizer.nesterov=2"], "optimizer.nesterov", "got 2; allowed: true or false"),
    Bad(["optimizer.momentum=0.9", "optimizer.nesterov=yes"], "optimizer.nesterov", "got yes; allowed: true or false"),
    Bad(["data=iris", "data.standardise=0"], "data.standardise", "got 0; allowed: true or false"),
]

NULLS = [
    Bad(["lr=null"], "lr", "a number"),
    Bad(["data=null"], "data", "uniform"),
    Bad(["backend=null"], "backend", "torch"),
    Bad(["record=null"], "record", "default"),
    Bad(["data.samples=null"], "data.samples", "a whole number"),
    Bad(["lockstep=null"], "lockstep", "true or false"),
    Bad(["tracking.uri=null"], "tracking.uri", "text"),
    Bad(["record.every=null"], "record.every", "a whole number"),
    Bad(["hydra.run.dir=null"], "hydra.run.dir", "null"),
]

OUT_OF_RANGE = [
    Bad(
        ["architecture=deep_mlp", "architecture.depth=1000000000"],
        "architecture.depth",
        "a whole number from 1 to 10000",
    ),
    Bad(["target=linear", f"target.out={10**30}"], "target.out", "a whole number from 1 to 1000000000"),
    Bad(["target=linear", "target.out=1000000000", "data.features=100000"], "target", "as many as fit into memory"),
    Bad(["lr=-1"], "lr", "from 0"),
    Bad(["lr=nan"], "lr", "finite"),
    Bad(["lr=inf"], "lr", "finite"),
    Bad(["seed=-1"], "seed", "from 0"),
    Bad(["epochs=0"], "epochs", "from 1"),
    Bad(["batch_size=0"], "batch_size", "from 1"),
    Bad(["batch_size=101"], "batch_size", "100"),
    Bad(["dtype=float8"], "dtype", "float32, float64, float16, bfloat16"),
    Bad(["threads=0"], "threads", "from 1"),
    Bad(["data.samples=0"], "data.samples", "from 1"),
    Bad(["data.samples=99999999999999999999999"], "data.samples", "allowed"),
    Bad(["data.features=0"], "data.features", "from 1"),
    Bad(["data.low=nan"], "data.low", "finite"),
    Bad(["data.high=inf"], "data.high", "finite"),
    Bad(["data.low=1"], "data.low", "below data.high"),
    Bad(["data.low=-1e308", "data.high=1e308"], "data.high", "finite"),
    Bad(["data.high=1e200"], "data", "float32"),
    Bad(["data=inline", "data.x=[]"], "data.x", "at least one row"),
    Bad(["data=inline", "data.x=[[1.0,2.0],[3.0]]"], "data.x", "as many numbers in each"),
    Bad(["data=inline", "data.x=[[1.0,nan]]"], "data.x", "finite"),
    Bad(["data=inline", "data.x=[[1.0]]", "data.y=[[1.0],[2.0]]"], "data.y", "as many rows"),
    Bad(["verdict.every=0"], "verdict.every", "from 1"),
    Bad(["record.every=0"], "record.every", "from 1"),
    Bad(["record.plots=false", "record.svg=true"], "record.svg", "false where record.plots=false"),
    Bad(["tracking.experiment="], "tracking.experiment", "a name"),
    Bad([f"tracking.experiment={'x' * 600}"], "tracking.experiment", "500"),
    Bad(["experiment=assignment", "lr=-1"], "lr", "from 0"),
]

SHAPES = [
    Bad(["architecture.hidden=[0]"], "architecture.hidden.0", "from 1"),
    Bad(["architecture.hidden=[5,-1]"], "architecture.hidden.1", "from 1"),
    Bad(["architecture.out=0"], "architecture.out", "from 1"),
    Bad(["architecture.out=2"], "architecture", "the target's, (1,)"),
    Bad(["architecture.activation=sigmoidd"], "architecture.activation", "did you mean sigmoid?"),
    Bad(layers(), "architecture.layers", "at least one layer"),
    Bad(layers("{layer: sigmoid}"), "architecture.layers", "with parameters"),
    Bad(layers("{layer: linear}"), "architecture.layers.0.out", "no default"),
    Bad(layers("{layer: linear, out: 0}"), "architecture.layers.0.out", "from 1"),
    Bad(layers("{layer: linear, out: x}"), "architecture.layers.0.out", "a whole number"),
    Bad(layers("{layer: linear, out: 1, bais: false}"), "architecture.layers.0.bais", "did you mean bias?"),
    Bad(layers("{layer: linear, out: 1, bias: -3}"), "architecture.layers.0.bias", "got -3; allowed: true or false"),
    Bad(layers("{layer: linear, out_features: 1}"), "architecture.layers.0.out_features", "did you mean out?"),
    Bad(layers("{layer: sequential, layers: linear}"), "architecture.layers.0.layers", "got linear; allowed: a list"),
    Bad(layers("{layer: sequential, layers: {layer: tanh}}"), "architecture.layers.0.layers", "allowed: a list"),
    Bad(
        layers(
            "{layer: residual, layers: [{layer: linear, out: 2}, {layer: conv1d, out_channels: 3, kernel_size: 2}]}"
        ),
        "architecture.layers.0.layers.1",
        "an input of shape (2,) from architecture.layers.0.layers.0 (linear) in a conv1d",
    ),
    Bad(
        ["architecture=transformer_small"],
        "architecture.depth",
        "a residual of TransformerSmall with layers.1: an input of shape (32,) from layers.0 (layer_norm)",
    ),
    Bad(["architecture.activation=linear"], "architecture.activation", "a linear of MLP with out: nothing"),
    Bad(["architecture=lenet"], "architecture.channels.0", "from the data in a conv2d of LeNet"),
    Bad(layers("{layer: tanh}", "{layer: lineer, out: 1}"), "architecture.layers.1", "did you mean linear?"),
    Bad(layers("{out: 1}"), "architecture.layers.0", "{layer: NAME"),
    Bad(layers("linear"), "architecture.layers.0", "{layer: NAME"),
    Bad(layers("{layer: linear, out: 3}"), "architecture", "the target's, (1,)"),
    Bad(layers("{layer: linear, out: 1, name: a}", "{layer: tanh, name: a}"), "architecture.layers", "once"),
    Bad(layers("{layer: linear, out: 1, name: a-b}"), "architecture.layers.0.name", "digits"),
    Bad(["architecture=sequential"], "architecture.layers", "no default"),
    Bad(["target=given"], "target", "brings no y"),
    Bad(["data=inline", "data.x=[[1.0]]", "data.y=[[1.0,2.0]]", "target=given"], "architecture", "(2,)"),
]
