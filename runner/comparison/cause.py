"""Why a gradient is wrong: the named mistakes that reproduce it to within rounding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, combinations
from math import prod

import numpy as np

from runner.arrays import Array
from runner.comparison.combined import Trial, distinct, on_the_way, overlap
from runner.comparison.constants import LIMIT, NOISE, NOISY_RUNS, UNIT_ROUNDOFF
from runner.comparison.looks import measured
from runner.comparison.mistakes.base import Alteration, Passage
from runner.comparison.mistakes.every import every
from runner.comparison.mistakes.forward import forward
from runner.comparison.mistakes.weights import stale_weights
from runner.comparison.mistakes.whole import fitted, of_previous
from runner.comparison.observed import Cause, Observed
from runner.comparison.rounding import empty_noisy, noise, rms

MOST_AT_ONCE = 4
"""Mistakes that are looked for in one backpropagation."""

SMALL = 1_000_000
"""Multiplications of a pass up to which two mistakes of any kinds are tried together."""

NEAR = 0.2
"""A mistake is tried in noisy arithmetic if it comes this near, as a share of the deviation; it acquits nothing."""

FAR = 1e4
"""And if it changes what is right by no more than this many times the limit."""

FEW = 3
"""Different numbers that a mistake must reproduce to be named where it does not explain all."""


def causes(observed: Observed) -> list[Cause]:
    """All mistakes that explain what is wrong; where none explains all, those that explain some tensors whole."""
    search = _Search(observed)
    whole_ones = search.explain_all()
    return whole_ones or search.explain_some()


class _Search:
    """Goes through the tensors in the order of computation, right ones and wrong ones, and adds mistake to mistake."""

    def __init__(self, observed: Observed) -> None:
        self._observed, self._point = observed, observed.point
        self._layout, self._problem = self._point.layout, self._point.sides.problem
        self._places, self._order, self._suspects = self._layout.slices(), self._layout.order, observed.suspects
        self._same = max(1e-6, 1e3 * UNIT_ROUNDOFF[self._point.dtype])
        self._passage = self._loaded(Passage(self._problem, self._layout, np.empty))
        self._all = list(self._every())
        self._furthest_yet: list[Trial] = []

    def explain_all(self) -> list[Cause]:
        """One mistake that explains all, else two at once, and so on."""
        begun = [Trial((), False, self._order.index(self._suspects[0]), 0)]
        for _ in range(MOST_AT_ONCE):
            ahead: list[Trial] = []
            for further in (self._by_one, self._by_two):
                trials = [(t, self._tried((*t.made, *more))) for t in begun for more in further(t)]
                found = [cause for _, t in trials if t.near for cause in self._least(t.made)]
                if found:
                    return distinct(found)
                ahead = ahead or self._furthest([t for before, t in trials if t.reach > before.reach])
                if ahead:
                    break
            if not ahead:
                break
            self._furthest_yet = begun = ahead
        return []

    def explain_some(self) -> list[Cause]:
        """What explains the first wrong tensors, and single mistakes that agree in every later tensor they change."""
        plain = [t for t in self._furthest_yet if on_the_way(t.made)]
        begun = [(t, self._proved(t.made, self._until(t.reach), self._held(t.reach))) for t in plain]
        found = [cause for t, cause in begun if cause is not None and self._tells(t.made, cause.tensors)]
        done = self._until(max((t.reach for t, _ in begun), default=0))
        rest = [name for name in self._suspects if name not in done]
        for another in filter(lambda a: on_the_way((a,)), self._all):
            given = self._run((another,))
            changed = np.abs(given - self._observed.right) > LIMIT * self._observed.unit
            tensors = [n for n in self._layout.order if changed[self._places[n]].any()]
            if tensors and set(tensors) <= set(rest) and self._near(given, tensors):
                cause = self._proved((another,), tensors)
                found += [cause] if cause is not None and self._tells((another,), tensors) else []
        return distinct(found)

    def _every(self) -> Iterator[Alteration]:
        passage, observed = self._passage, self._observed
        right, seen = observed.gradients(observed.right), observed.gradients(observed.seen)
        if "prediction" in self._suspects:
            yield from forward(passage)
            return
        families: list[Iterable[Alteration]] = [every(passage), fitted(passage, right, seen)]
        if observed.previous is not None:
            families.append(stale_weights(passage, observed.previous.parameters))
            families.append(of_previous(observed.gradients(observed.previous.library), right, seen))
        yield from chain.from_iterable(families)

    def _until(self, reach: int) -> list[str]:
        """The wrong ones among the first tensors."""
        return [name for name in self._order[:reach] if name in self._suspects]

    def _held(self, reach: int) -> list[str]:
        """What a cause is held against that explains the first tensors: these, and all that are right."""
        return [*self._order[:reach], *(name for name in self._order[reach:] if name not in self._suspects)]

    def _by_one(self, trial: Trial) -> list[tuple[Alteration, ...]]:
        """What may explain the first tensor that is still unexplained."""
        if trial.reach == len(self._order) or (trial.made and trial.made[0].changes_forward):
            return []
        first = self._order[trial.reach]
        return [(a,) for a in self._all if self._may_begin(a, first) and not overlap(a, trial.made)]

    def _by_two(self, trial: Trial) -> list[tuple[Alteration, ...]]:
        """Two mistakes on the way to one tensor: neither shows without the other.

        Between two layers they are few; those of all kinds are many, and tried in small networks alone.
        """
        every = [a for (a,) in self._by_one(trial) if not a.changes_forward and (a.end is None or a.tensor)]
        back = [a for a in every if a.leaving] if self._work() > SMALL else every
        return [(a, b) for a, b in combinations(back, 2) if not overlap(a, (b,))]

    def _work(self) -> int:
        weights = sum(prod(p.shape) for p in self._problem.network.parameters.values())
        return weights * len(self._point.x)

    def _tried(self, made: tuple[Alteration, ...]) -> Trial:
        c = self._run(made)
        matched = [self._matches(c, name) for name in self._order]
        return Trial(made, self._near(c, self._suspects), [*matched, False].index(False), sum(matched))

    def _may_begin(self, alteration: Alteration, first: str) -> bool:
        """Whether ``first`` can be the first tensor, in the order of computation, that the mistake changes."""
        sites = [*alteration.leaving, *alteration.gradient]
        if alteration.tensor:
            return alteration.tensor == first
        if len(sites) != 1:
            return True
        places, i = self._problem.network.places, sites[0]
        if alteration.leaving:
            i = next((k for k in reversed(range(i)) if places[k].parameters), i)
        return first in [places[i].full(local) for local in places[i].parameters]

    def _furthest(self, trials: list[Trial]) -> list[Trial]:
        """A few of those that explain the most of the first tensors; before others, what leaves the rest right."""
        best = max((t.reach for t in trials), default=0)
        ahead = sorted((t for t in trials if t.reach == best), key=lambda t: -t.matched)
        return [t for t in ahead if self._proved(t.made, self._until(best), self._order[:best])][:MOST_AT_ONCE]

    def _matches(self, c: Array, name: str) -> bool:
        """Near enough to be a match in one tensor; what is named is proved besides."""
        place, u, observed = self._places[name], self._observed.seen, self._observed
        if name in self._suspects:
            return _size(u[place] - c[place]) <= self._same * _size(u[place] - observed.right[place])
        return _size(u[place] - c[place]) <= FAR * LIMIT * _size(observed.unit[place])

    def _near(self, c: Array, tensors: list[str]) -> bool:
        u, observed = self._observed.seen, self._observed
        if not np.isfinite(c).all():
            return False
        for name in self._layout.names:
            place = self._places[name]
            apart = _size(u[place] - c[place])
            if name in tensors:
                if apart > NEAR * _size(u[place] - observed.right[place]):
                    return False
            elif name not in self._suspects and apart > FAR * LIMIT * _size(observed.unit[place]):
                return False
        return True

    def _proved(
        self, made: tuple[Alteration, ...], tensors: list[str], held: Sequence[str] | None = None
    ) -> Cause | None:
        """The cause, if what the mistakes give is within the limit of what is seen, in units of its own rounding.

        What is seen are the wrong ``tensors`` and all right ones, or the tensors ``held`` alone.
        """
        c, error = self._run(made), NOISE * UNIT_ROUNDOFF[self._point.dtype]
        changes = []
        for k in range(1, NOISY_RUNS + 1):
            with noise(error, k), np.errstate(all="ignore"):
                changes.append(self._passage_of(made, noisy=True).run(*made) - c)
        sigma = rms(np.nan_to_num(np.array(changes), nan=np.inf, posinf=np.inf, neginf=-np.inf))
        q = measured(2, self._observed.seen, c, sigma, self._point.dtype).roundings
        rest = held or [n for n in self._layout.names if n in tensors or n not in self._suspects]
        worst = max(float(q[self._places[n]].max()) for n in rest)
        if worst > LIMIT:
            return None
        return Cause(
            " + ".join(m.name for m in made),
            "; and ".join(m.sentence for m in made),
            "; ".join(dict.fromkeys(m.formula for m in made)),
            tuple(tensors),
            worst,
        )

    def _least(self, made: tuple[Alteration, ...]) -> list[Cause]:
        """The causes that explain all with the fewest of these mistakes: of two that cancel, neither was made."""
        for count in (*range(1, len(made) - 1), len(made)):
            proved = [(some, self._proved(some, self._suspects)) for some in combinations(made, count)]
            found = [cause for some, cause in proved if cause is not None and self._tells(some, self._suspects)]
            if found:
                return found
        return []

    def _tells(self, made: tuple[Alteration, ...], tensors: Sequence[str]) -> bool:
        """Whether the numbers of these wrong tensors are evidence: zeros and a few equal ones come about in many ways.

        The loss follows from the prediction. What is to be 0 must be 0, not nearly so.
        """
        telling = [name for name in tensors if name != "loss"] or tensors
        numbers = np.concatenate([self._observed.seen[self._places[name]] for name in telling])
        zeros = any(m.zeros for m in made)
        if len(tensors) < len(self._suspects):
            return not zeros and len(np.unique(np.abs(numbers[numbers != 0]))) >= FEW
        if not zeros:
            return bool(numbers.any())
        vector = self._run(made)
        given = np.concatenate([vector[self._places[name]] for name in telling])
        return bool(numbers.any() or all(m.zeros for m in made)) and not numbers[given == 0].any()

    def _run(self, made: tuple[Alteration, ...]) -> Array:
        with np.errstate(all="ignore"):
            return self._passage_of(made, noisy=False).run(*made)

    def _passage_of(self, made: tuple[Alteration, ...], noisy: bool) -> Passage:
        changed = next((m for m in made if m.changes_forward), None)
        if changed is None and not noisy:
            return self._passage
        problem = changed.problem if changed is not None and changed.problem is not None else self._problem
        passage = Passage(problem, self._layout, empty_noisy if noisy else np.empty)
        return self._loaded(passage, changed)

    def _loaded(self, passage: Passage, changed: Alteration | None = None) -> Passage:
        given = dict(self._point.parameters)
        change = changed.parameters if changed is not None else None
        point = self._point
        passage.load(given if change is None else change(given), point.x, point.y, point.buffers, point.draws)
        return passage


def _size(values: Array) -> float:
    """The largest element's size: no sum overflows in it, and none underflows."""
    return float(np.abs(values).max(initial=0.0))
