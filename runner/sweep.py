"""What the launching process knows of a run or a sweep: the folders that it makes, and the jobs that it begins."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from runner import resuming
from runner.composer import Composer
from runner.errors import ConfigError
from runner.launching.allowed import check_engines
from runner.launching.engines import compose_first, engine
from runner.records.files import missing_folders
from runner.records.lock import SWEEP_LOCK, locked
from runner.records.resume_key import RESUME_KEY, key_of
from runner.searching import check_first, check_search, is_search
from runner.shell import as_typed, lasting, title_of
from runner.sweep_results import job_statuses, statuses_of
from runner.sweep_workers import check_unchanged, ended_jobs, minded

if TYPE_CHECKING:
    from runner.records.sweep.parent import Parent

MULTIRUN_FILE = "multirun.yaml"
DESCRIPTION = ("config.yaml", "hydra.yaml", "overrides.yaml")
"""What Hydra writes of a run into ``hydra.output_subdir``, where that is set."""


class Footprint(Callback):
    """Notes, before Hydra makes the folders, which of them are new: a rejected run leaves none behind."""

    new_folders: ClassVar[list[Path]] = []
    described: ClassVar[tuple[Path, set[Path]] | None] = None
    """A run's new folder, and what Hydra writes of it there."""
    sweep_file: ClassVar[bytes | None] = None
    """What Hydra has written of an earlier sweep in the folder."""
    sweep: ClassVar[Path | None] = None
    parent: ClassVar[Parent | None] = None
    held: ClassVar[ExitStack] = ExitStack()
    """The lock of the sweep's folder."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        _resume(config, "run")
        with suppress(OmegaConfBaseException, OSError):  # Hydra will refuse it
            folder, inside = Path(config.hydra.run.dir).absolute(), config.hydra.output_subdir
            Footprint.new_folders = missing_folders(folder)
            if inside is not None and not folder.exists() and not {"..", "/"} & set(Path(inside).parts):
                Footprint.new_folders = missing_folders(folder / inside)
                Footprint.described = folder, {folder / inside / name for name in DESCRIPTION}

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        _resume(config, "sweep")
        with suppress(OmegaConfBaseException, OSError):
            Footprint.sweep = Path(config.hydra.sweep.dir)
            Footprint.new_folders = missing_folders(Footprint.sweep)
            if (Footprint.sweep / MULTIRUN_FILE).is_file():
                Footprint.sweep_file = (Footprint.sweep / MULTIRUN_FILE).read_bytes()
        _compose_quickly()
        _listen(config)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        job_return.cfg = job_return.hydra_cfg = None  # a launcher keeps them for as long as the sweep lasts


def _resume(config: DictConfig, kind: str) -> None:
    """Hydra takes what a callback raises for a trifle, so it is raised later."""
    try:
        resuming.go_on_with(config, kind)
    except Exception as error:  # whatever it is, it is told
        resuming.refusals.append(error)


def _compose_quickly() -> None:
    """Hydra is about to hand its loader to the sweeper and the launcher."""
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    hydra.config_loader = Composer(hydra.config_loader.get_search_path())


def _listen(config: DictConfig) -> None:
    """Has the sweeper look at what it is asked, and the launcher, whichever it is, tell of its jobs before any begins.

    A callback would be too early for that, and what it raises is lost; nor does Hydra take either from outside its own
    packages, so the methods of those that were chosen are replaced, in this process alone.
    """
    known = Plugins.instance().class_name_to_class
    sweeper, launcher = (known.get(config.hydra[engine]._target_) for engine in ("sweeper", "launcher"))
    if sweeper is None or launcher is None:  # Hydra will refuse it
        return
    if not issubclass(sweeper, Sweeper) or not issubclass(launcher, Launcher):
        return
    search, begin = sweeper.sweep, launcher.launch

    def sweep(self: Sweeper, arguments: list[str]) -> Any:
        resuming.check_found()
        check_engines(config)
        check_search(config)
        return search(self, arguments)

    def launch(self: Launcher, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Any:
        name = f"hydra/launcher={config.hydra.runtime.choices['hydra/launcher']}"
        if not job_overrides:
            with engine(name):
                return begin(self, job_overrides, initial_job_idx=initial_job_idx)
        compose_first(config, job_overrides)
        asked = enumerate(job_overrides, start=initial_job_idx)
        jobs = {number: list(map(as_typed, lasting(overrides))) for number, overrides in asked}
        ended = _ended(config, jobs, job_overrides)
        parent = _announce(config, jobs)
        open_ones = [number for number in jobs if number not in ended]
        if not open_ones:
            return list(ended.values())
        first, last = open_ones[0] - initial_job_idx, open_ones[-1] - initial_job_idx
        with engine(name), minded(config, parent.folder):
            returned = begin(self, job_overrides[first : last + 1], initial_job_idx=open_ones[0])
        if is_search(config) and initial_job_idx == 0:
            _check_first(parent)
        before, after = (numbers for numbers in (range(first), range(last + 1, len(job_overrides))))
        return [*(ended[initial_job_idx + i] for i in before), *returned, *(ended[initial_job_idx + i] for i in after)]

    sweeper.sweep, launcher.launch = sweep, launch  # type: ignore[method-assign]


def _ended(
    config: DictConfig, jobs: Mapping[int, list[str]], job_overrides: Sequence[Sequence[str]]
) -> dict[int, JobReturn]:
    """Of the jobs of a launch those that have ended before, in the sweep that is resumed."""
    from runner.records.sweep.parent import PARENT, read_parent

    folder = Path(config.hydra.sweep.dir)
    if not resuming.wanted(config) or not (folder / PARENT).is_file():
        return {}
    sweep = read_parent(folder)["run_id"]
    left = statuses_of(folder, sweep, jobs)
    ended = ended_jobs(left, jobs, sweep)
    folders = {status["number"]: Path(status["folder"]) for status in left if status["number"] in ended}
    check_unchanged(config, dict(zip(jobs, job_overrides, strict=True)), folders)
    return ended


def _announce(config: DictConfig, jobs: Mapping[int, list[str]]) -> Parent:
    """Makes the sweep's parent run before its first jobs, or opens it again."""
    from runner.checks import check_tracking
    from runner.records.environment import environment, environment_tags
    from runner.records.sweep.parent import Parent
    from runner.records.sweep.values import swept_keys

    if Footprint.parent is None:
        _check_subdir(config)
        tracking = OmegaConf.to_container(config.tracking, resolve=True)
        assert isinstance(tracking, dict)
        check_tracking({str(key): value for key, value in tracking.items()})
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        resuming.check_not_swept(config)
        typed, resume = resuming.typed_overrides(config, "sweep"), resuming.wanted(config)
        keys = swept_keys(OverridesParser.create(config_loader=hydra.config_loader).parse_overrides(typed))
        folder, tags = Path(config.hydra.sweep.dir), environment_tags(environment(config.threads, []))
        tags[RESUME_KEY] = key_of("sweep", typed)
        Footprint.held.enter_context(locked(folder, SWEEP_LOCK))
        where = (tracking["uri"], tracking["experiment"])
        Footprint.parent = Parent(folder, *where, title_of(typed), keys, tags, resume=resume)
    Footprint.parent.announce(jobs)
    return Footprint.parent


def _check_first(parent: Parent) -> None:
    try:
        check_first(job_statuses(parent), parent.keys)
    except ConfigError:
        parent.withdraw()
        Footprint.parent = None
        raise


def _check_subdir(config: DictConfig) -> None:
    """Raises what Hydra would raise of the jobs' folders once the sweep has begun."""
    found = copy.deepcopy(config)
    with open_dict(found):
        found.hydra.job.num, found.hydra.job.id = 0, "0"
    str(found.hydra.sweep.subdir)
