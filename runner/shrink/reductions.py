"""Each reduction proposes smaller runs, the boldest first; none knows whether they still fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from runner.arrays import DTYPES, Array
from runner.assemble import Setup
from runner.backends.base import State
from runner.errors import ConfigError
from runner.init.torch_default import TorchDefault
from runner.layers.linear import Linear
from runner.network import Place, build_network
from runner.steps import batches

Reduction = Callable[[Setup], Iterator[Setup]]
FINEST = 16
"""Of so many parts, a part is the least that is left out of a long list at once."""


def of_steps(setup: Setup, steps: Sequence[tuple[Array, Array]]) -> Setup:
    """The run of these batches, all of one size but the last, which may be shorter."""
    x, y = (np.concatenate(arrays) for arrays in zip(*steps, strict=True))
    problem = replace(setup.problem, steps_per_epoch=len(steps), steps=len(steps))
    return replace(setup, problem=problem, x=x, y=y, held_out=None, batch_size=len(steps[0][0]), epochs=1)


def fewer_steps(setup: Setup) -> Iterator[Setup]:
    steps = list(batches(setup))
    for kept in _parts_left_out(len(steps)):
        yield of_steps(setup, [steps[i] for i in kept])


def fewer_samples(setup: Setup) -> Iterator[Setup]:
    """The same samples are left out of every batch."""
    for kept in _parts_left_out(setup.batch_size):
        rows = [([i for i in kept if i < len(x)], x, y) for x, y in batches(setup)]
        if all(there for there, _, _ in rows):
            yield of_steps(setup, [(x[there], y[there]) for there, x, y in rows])


def fewer_layers(setup: Setup) -> Iterator[Setup]:
    """A layer with parameters goes with all that stands before the next one that has some; others go alone."""
    places = setup.problem.network.places
    for i, place in enumerate(places):
        end = _next(places, i) if place.parameters else i + 1
        if end is not None:
            yield from _rebuilt(_Draft.of(setup), [*places[:i], *places[end:]])


def narrower(setup: Setup) -> Iterator[Setup]:
    """Units of a linear layer are left out; also of all layers of one width at once: a square weight stays square."""
    places = setup.problem.network.places
    widths = {i: place.layer.out for i, place in enumerate(places) if isinstance(place.layer, Linear)}
    alike = [[i for i in widths if widths[i] == width] for width in dict.fromkeys(widths.values())]
    for group in [*(group for group in alike if len(group) > 1), *([i] for i in widths)]:
        for kept in _halves_and_ends(widths[group[0]]):
            yield from _narrowed(setup, group, kept)


def _narrowed(setup: Setup, group: Sequence[int], kept: list[int]) -> Iterator[Setup]:
    """Each layer of the group loses units, and with them goes what the next layer makes of them, or the targets."""
    places, draft = list(setup.problem.network.places), _Draft.of(setup)
    for i in group:
        place, follower = places[i], _next(places, i)
        for local in place.parameters:
            draft.take(place.full(local), kept, 0)
        if follower is None:
            draft.y = draft.y[:, kept]
        else:
            draft.take_inputs(places[follower], kept, *place.output_shape)
        assert isinstance(place.layer, Linear)
        places[i] = replace(place, layer=replace(place.layer, out=len(kept)))
    yield from _rebuilt(draft, places)


def fewer_features(setup: Setup) -> Iterator[Setup]:
    places, features = setup.problem.network.places, setup.x.shape[1]
    first = next(place for place in places if place.parameters)
    for kept in _halves_and_ends(features):
        draft = _Draft.of(setup)
        draft.x = draft.x[:, kept]
        draft.take_inputs(first, kept, features)
        yield from _rebuilt(draft, places)


def rounder(setup: Setup) -> Iterator[Setup]:
    """Samples, targets and parameters of few decimals."""
    now = {**setup.initial.parameters, "x": setup.x, "y": setup.y}
    for decimals in (1, 2, 3):
        then = {n: _rounded(v, decimals) for n, v in now.items()}
        if any(not np.array_equal(then[n], v) for n, v in now.items()):
            x, y = then.pop("x"), then.pop("y")
            yield replace(setup, x=x, y=y, initial=State(then, setup.initial.buffers))


ALL: tuple[Reduction, ...] = (fewer_steps, fewer_samples, fewer_layers, narrower, fewer_features, rounder)
OF_NUMBERS: tuple[Reduction, ...] = (fewer_steps, fewer_samples, rounder)
"""Those that leave the network as it is."""


@dataclass
class _Draft:
    """The arrays of a run that is being changed, the parameters still under the names of its old network."""

    setup: Setup
    parameters: dict[str, Array]
    x: Array
    y: Array

    @classmethod
    def of(cls, setup: Setup) -> _Draft:
        return cls(setup, dict(setup.initial.parameters), setup.x, setup.y)

    def take(self, name: str, kept: list[int], axis: int) -> None:
        self.parameters[name] = np.take(self.parameters[name], kept, axis)

    def take_inputs(self, place: Place, kept: list[int], of: int) -> None:
        """What a linear layer makes of these inputs; a layer of another kind is cut to its new shape afterwards."""
        if isinstance(place.layer, Linear) and place.input_shape == (of,):
            self.take(place.full("weight"), kept, 1)


def _rebuilt(draft: _Draft, places: Sequence[Place]) -> Iterator[Setup]:
    """The run of these layers, if they fit each other and the targets; what is missing in a tensor is drawn."""
    setup = draft.setup
    try:
        network = build_network([(place.name, place.layer) for place in places], draft.x.shape[1:])
    except ConfigError:
        return
    try:
        setup.problem.loss.fits(network.output_shape, draft.y)
    except ConfigError:
        return
    drawn = TorchDefault().draw(network, 0)
    parameters = {}
    for old, new in zip(places, network.places, strict=True):
        for local in new.parameters:
            name = new.full(local)
            parameters[name] = _fitted(draft.parameters[old.full(local)], drawn[name], setup.dtype)
    problem = replace(setup.problem, network=network)
    yield replace(setup, problem=problem, initial=State(parameters, network.buffers), x=draft.x, y=draft.y)


def _rounded(value: Array, decimals: int) -> Array:
    """Zeros have no sign."""
    return np.asarray((np.round(value.astype(DTYPES["float64"]), decimals) + 0.0).astype(value.dtype))


def _fitted(old: Array, drawn: Array, dtype: np.dtype[Any]) -> Array:
    """``drawn`` with all numbers of ``old`` that have a place in it."""
    common = tuple(slice(min(a, b)) for a, b in zip(old.shape, drawn.shape, strict=True))
    new = drawn.astype(dtype)
    new[common] = old[common]
    return new


def _next(places: Sequence[Place], i: int) -> int | None:
    """Where the next layer with parameters stands."""
    return next((k for k in range(i + 1, len(places)) if places[k].parameters), None)


def _parts_left_out(n: int) -> Iterator[list[int]]:
    """The first or the last of n alone; then what is left when a half is left out, then a quarter, and so on."""
    if n > 2:
        yield from ([0], [n - 1])
    size = n // 2
    while size >= max(1, n // FINEST):
        for start in range(0, n, size):
            yield [*range(start), *range(start + size, n)]
        size //= 2


def _halves_and_ends(n: int) -> Iterator[list[int]]:
    """Either half of n, then all but the last, and all but the first."""
    if n > 1:
        yield from (list(range(n // 2)), list(range(n // 2, n)))
    if n > 2:
        yield from (list(range(n - 1)), list(range(1, n)))
