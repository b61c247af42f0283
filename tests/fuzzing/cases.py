"""A random right configuration from a seed: one to three steps, judged in process."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from math import exp, log, prod
from pathlib import Path

import numpy as np

from runner.assemble import Setup, assemble
from runner.network import Network, build_network
from tests.fuzzing import endings
from tests.fuzzing.layers import Drawn, Rng, chance, log_int, one_of
from tests.fuzzing.networks import dense, image, sequence, signal
from tests.fuzzing.options import draw_init, draw_training
from tests.fuzzing.written import CATALOG, Node, overridden, written
from tests.helpers import configuration, with_parameters

KINDS = {"dense": 0.4, "image": 0.2, "signal": 0.1, "sequence": 0.15, "tokens": 0.15}
"""Kinds of networks, and how often each is drawn."""

MOST_WORK = 1e6
"""Multiplications of one forward pass: what is larger gets a smaller batch."""

MOST_STEPS = 3

MANY_WEIGHTS = 2e4
"""What has more is run for one step."""

SMALL_TARGETS = ("given", "inputs", "xor")

DTYPES = {"float32": 0.44, "float64": 0.44, "float16": 0.05, "bfloat16": 0.07}


@dataclass(frozen=True)
class Case:
    """Overrides as a person types them, and what is done with the initial parameters."""

    seed: int
    kind: str
    overrides: tuple[str, ...]
    scale: float
    grid: bool
    zero_biases: bool

    def value(self, key: str) -> str:
        """What an override gives a key; empty where none does."""
        return next((o.split("=", 1)[1] for o in self.overrides if o.startswith(f"{key}=")), "")

    def setup(self) -> Setup:
        """The run, its parameters scaled, on a grid of tenths, or with zero biases."""
        config = configuration()
        overridden(config, self.overrides)
        made = assemble(config, CATALOG)
        changed = {name: value.astype(np.float64) * self.scale for name, value in made.initial.parameters.items()}
        if self.grid:
            changed = {name: np.round(value, 1) for name, value in changed.items()}
        if self.zero_biases:
            changed = {name: value * ("bias" not in name.rpartition(".")[2]) for name, value in changed.items()}
        return with_parameters(made, changed)

    def command(self, folder: Path) -> str:
        """What replays it on the command line; its parameters are written below ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.seed}.npz"
        np.savez(path, allow_pickle=False, **self.setup().initial.parameters)
        rest = [o for o in self.overrides if not o.startswith("init")]
        return shlex.join(["python", "-m", "runner", *rest, "init=file", f"init.path={path}"])


def random_case(seed: int, widest: int = 300, deepest: int = 30, dtypes: dict[str, float] = DTYPES) -> Case:
    """Any kind of network, with any layers, loss, optimizer; scale 0.03 to 10, batch to 256."""
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    steps, batch = int(rng.integers(1, MOST_STEPS + 1)), log_int(rng, 1, 256 if kind == "dense" else 32)
    scale = exp(rng.uniform(log(0.03), log(10)))
    grid, zero_biases = chance(rng, 0.15), chance(rng, 0.1)
    batch = max(batch, 2) if grid else batch  # what is on the grid is drawn before it is known who needs two
    loss = endings.draw_loss(rng, kind)
    drawn, data = _network(rng, kind, loss, batch * steps, grid, (widest, deepest))
    network = build_network([("", layer) for layer in drawn.layers], drawn.first)
    if "data.x" not in data:
        steps = 1 if _weights(network) > MANY_WEIGHTS else steps
        batch = max(network.fewest, min(batch, int(MOST_WORK / _work(network))))
        data["data.samples"] = batch * steps
    dtype = str(rng.choice(list(dtypes), p=list(dtypes.values())))
    if dtype == "float16":  # beyond 65504 there is nothing to be judged
        scale, dtype = min(scale, 1.0), dtype if data["target"] in SMALL_TARGETS else "bfloat16"
    overrides = [
        f"architecture.layers={written(drawn.nodes)}",
        f"batch_size={batch}",
        f"dtype={dtype}",
        f"seed={seed}",
        f"loss={loss}",
        *endings.as_overrides(endings.loss_keys(rng, loss, drawn.shape[-1])),
        *endings.as_overrides(data),
        *draw_training(rng, steps),
        *draw_init(rng),
    ]
    return Case(seed, kind, tuple(overrides), scale, grid, zero_biases)


def _network(rng: Rng, kind: str, loss: str, samples: int, grid: bool, limits: tuple[int, int]) -> tuple[Drawn, Node]:
    """The layers, and the overrides of the data and the target."""
    if kind == "dense":
        features, out, data = endings.draw_features(rng, loss, samples, grid)
        drawn = Drawn(rng, (features,))
        dense(drawn, *limits)
        endings.end_dense(drawn, out, loss)
        return drawn, data
    if kind == "tokens" or (kind != "image" and chance(rng, 0.4)):
        classes, data = endings.draw_tokens(rng)
        drawn = Drawn(rng, (data["data.length"],))
        padding = one_of(rng, [None, None, 0, -1])
        drawn.add("embedding", num_embeddings=classes, embedding_dim=log_int(rng, 1, 10), padding_idx=padding)
        kind = one_of(rng, ["signal", "sequence", "sequence"]) if kind == "tokens" else kind
    else:
        data, classes = endings.draw_images(rng, loss), endings.SHAPES
        drawn = Drawn(rng, (1, data["data.size"], data["data.size"]))
    if kind == "image":
        image(drawn, keeps=loss not in endings.OF_CLASSES)
        if loss not in endings.OF_CLASSES:
            endings.end_image(drawn, loss)
            return drawn, data
    else:
        if len(drawn.shape) == 3:
            endings.into_axes(drawn)
        (signal if kind == "signal" else sequence)(drawn)
    endings.end_dense(drawn, classes, loss)
    return drawn, data


def _weights(network: Network) -> int:
    return sum(prod(p.shape) for p in network.parameters.values())


def _work(network: Network) -> float:
    """Multiplications of one sample's forward pass, roughly: each weight once at every position."""
    work = 0
    for place in network.places:
        size = sum(prod(p.shape) for p in place.parameters.values())
        shape = max(place.input_shape, place.output_shape, key=len)
        positions = {1: 1, 2: max(shape)}.get(len(shape), prod(shape[1:]))
        work += size * positions + prod(place.output_shape)
    return work
