"""The tables and arrays of a run's folder that grow while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.assemble import Setup
from runner.comparison.drift import Distance
from runner.comparison.results import Comparison
from runner.comparison.tensors import layout_of
from runner.outcome import Record
from runner.records.drift import DriftTable
from runner.records.elements import ElementRoundings, ElementsState
from runner.records.gradients import gradients_file
from runner.records.gradients_text import GradientsText
from runner.records.tables import DeviationsTable, TableState
from runner.records.trajectories import Trajectories, TrajectoriesState
from runner.records.writer import Hand
from runner.steps import count_recorded


@dataclass(frozen=True)
class FilesState:
    """Where each file stands; None for one that is not kept, or has not begun. ``gradients`` counts written steps."""

    deviations: TableState
    updates: TableState | None
    drift: TableState | None
    gradients: int
    text: tuple[int, int, int] | None
    elements: ElementsState | None
    trajectories: TrajectoriesState | None


class RunFiles:
    """All of them, written by what ``hand`` has it done; those of an earlier process go on from its ``state``.

    Raises:
        RunError: The disk has no room for all gradients, or what is to be gone on from is not there.
    """

    def __init__(self, folder: Path, setup: Setup, hand: Hand, state: FilesState | None = None) -> None:
        self._folder, self._hand = folder, hand
        begun = 0 if state is None else state.gradients
        shapes = setup.problem.network.shapes
        self._updates: DeviationsTable | None = None
        self._deviations = DeviationsTable(folder / "deviations.parquet", hand)
        self._drift = None if setup.lockstep else DriftTable(folder / "drift.parquet", hand)
        self._gradients = gradients_file(folder / "gradients.safetensors", setup, hand, begun)
        self._text: GradientsText | None = None
        if self._gradients is not None:
            self._text = GradientsText(folder / "gradients", folder / "gradients.safetensors", hand)
        self._elements: ElementRoundings | None = None
        self._trajectories: Trajectories | None = None
        if setup.record_plots:
            self._elements = ElementRoundings(folder / "roundings.safetensors", hand)
            count = count_recorded(setup)
            self._trajectories = Trajectories(folder / "trajectories.safetensors", shapes, count, hand)
        if state is not None:
            self._go_on_from(state, setup)

    def _go_on_from(self, state: FilesState, setup: Setup) -> None:
        self._deviations.go_on_from(state.deviations)
        if state.updates is not None:
            self._begun_updates().go_on_from(state.updates)
        if self._drift is not None and state.drift is not None:
            self._drift.go_on_from(state.drift)
        if self._text is not None and state.text is not None:
            self._text.go_on_from(state.text)
        if self._elements is not None and state.elements is not None:
            self._elements.go_on_from(state.elements, layout_of(setup.problem.network, 1))
        if self._trajectories is not None and state.trajectories is not None:
            self._trajectories.go_on_from(state.trajectories)

    def write(self, record: Record) -> None:
        """A recorded step."""
        for comparison in record.comparisons:
            self._deviations.add(record.step, comparison)
        self.write_distances(record.distances)
        if self._gradients is not None and self._text is not None:
            self._gradients.add(record.steps)
            self._text.add(record.step)
        if self._elements is not None and self._trajectories is not None:
            self._elements.add(record.comparisons)
            self._trajectories.add(record.step, record.parameters)

    def write_distances(self, distances: Sequence[Distance]) -> None:
        """The drift of a step, where it is kept."""
        if self._drift is not None and distances:
            self._drift.add(distances)

    def write_update(self, step: int, comparisons: Sequence[Comparison]) -> None:
        """What the backends carry after a judged step."""
        table = self._begun_updates()
        for comparison in comparisons:
            table.add(step, comparison)

    def flush(self) -> None:
        """Hands over what ``state`` does not hold; it has to be written before that is asked for."""
        if self._gradients is not None:
            self._gradients.flush()

    def state(self) -> FilesState:
        """Where the files stand, all that was handed over being written; that outlasts a power cut from then on."""
        return FilesState(
            self._deviations.state(),
            None if self._updates is None else self._updates.state(),
            None if self._drift is None else self._drift.state(),
            0 if self._gradients is None else self._gradients.settle(),
            None if self._text is None else self._text.state(),
            None if self._elements is None else self._elements.state(),
            None if self._trajectories is None else self._trajectories.state(),
        )

    def leave(self) -> None:
        """Leaves the files as they are, for another process to go on with."""
        if self._gradients is not None:
            self._gradients.leave()

    def close(self) -> None:
        """Hands over the way of each file into its place, though one may fail."""
        tables = (self._deviations, self._updates, self._drift)
        for file in (*tables, self._gradients, self._text, self._elements, self._trajectories):
            if file is not None:
                file.close()

    def _begun_updates(self) -> DeviationsTable:
        if self._updates is None:
            self._updates = DeviationsTable(self._folder / "updates.parquet", self._hand)
        return self._updates
