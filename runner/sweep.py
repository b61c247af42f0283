"""What the launching process knows of a run or a sweep: the folders that it makes, and how its jobs ended."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
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

from runner import resuming, stopping
from runner.composer import Composer
from runner.errors import AGREE, BAD_INPUT, DISAGREE, NOT_FINISHED, ConfigError, RunError
from runner.job import last
from runner.launching.allowed import check_engines
from runner.launching.engines import EngineError, compose_first, engine
from runner.records.files import missing_folders, remove_empty
from runner.records.lock import SWEEP_LOCK, locked
from runner.records.resume_key import RESUME_KEY, key_of
from runner.searching import check_first, check_search, is_fruitless, is_search
from runner.shell import as_typed, lasting, shell_line, title_of
from runner.sweep_results import job_statuses, record, show, statuses_of
from runner.sweep_workers import check_unchanged, ended_jobs, minded

if TYPE_CHECKING:
    from runner.records.sweep.parent import Parent

MULTIRUN_FILE = "multirun.yaml"


class Footprint(Callback):
    """Notes, before Hydra makes the folders, which of them are new: a rejected run leaves none behind."""

    new_folders: ClassVar[list[Path]] = []
    sweep_file: ClassVar[bytes | None] = None
    """What Hydra has written of an earlier sweep in the folder."""
    sweep: ClassVar[Path | None] = None
    parent: ClassVar[Parent | None] = None
    held: ClassVar[ExitStack] = ExitStack()
    """The lock of the sweep's folder."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        _resume(config, "run")
        with suppress(OmegaConfBaseException, OSError):  # Hydra will refuse it
            Footprint.new_folders = missing_folders(Path(config.hydra.run.dir))

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


def sweep_away() -> None:
    """Removes what a rejected run has made: Hydra's sweep file, and the new folders that are empty.

    Among the jobs of an earlier sweep that file is again what it was.
    """
    Footprint.held.close()
    folder, begun = Footprint.sweep, Footprint.parent is not None and Footprint.parent.run_id is not None
    if folder is not None and folder.is_dir() and (not begun or [f.name for f in folder.iterdir()] == [MULTIRUN_FILE]):
        if Footprint.sweep_file is None:
            (folder / MULTIRUN_FILE).unlink(missing_ok=True)
        else:
            (folder / MULTIRUN_FILE).write_bytes(Footprint.sweep_file)
    remove_empty(Footprint.new_folders)


def engine_failed(error: EngineError) -> int:
    """Ends a sweep whose engine failed: what its jobs left is recorded.

    A sweeper that finds nothing in jobs of which none has a figure has not failed.
    """
    statuses = [] if Footprint.parent is None else job_statuses(Footprint.parent)
    fruitless = error.found_nothing and is_fruitless(statuses)
    told = f"hydra/sweeper: no optimum: no job of {len(statuses)} has come to a finite figure" if fruitless else error
    print(f"runner: {told}", file=sys.stderr)
    _end_dead_jobs()
    code = exit_code()
    return code if fruitless else NOT_FINISHED


def _end_dead_jobs() -> None:
    """Jobs whose process was killed are KILLED in MLflow; where it refuses, it is told."""
    try:
        if Footprint.parent is not None:
            Footprint.parent.end_dead_runs()
    except RunError as error:
        print(f"runner: {error}", file=sys.stderr)


@contextmanager
def swept() -> Iterator[None]:
    """What Hydra does of one command line.

    Raises:
        EngineError: Jobs have begun, and then their sweeper failed.
    """
    try:
        yield
    except Exception as error:
        if Footprint.parent is None or Footprint.parent.run_id is None:
            raise
        with engine("hydra/sweeper"):
            raise error


def exit_code() -> int:
    """The exit code of what was run, if anything was; what is empty of it is removed."""
    alone = int(last["status"]) if last else AGREE
    code = alone if Footprint.sweep is None else sweep_status(Footprint.sweep)
    sweep_away()
    return code


def sweep_status(folder: Path) -> int:
    """Ends the sweep: prints a row a job, records it, and returns its exit code: any 3 gives 3, else any 2, 1, 0."""
    if Footprint.parent is None:
        print("runner: command line: got a sweep without a job; allowed: at least one value a key", file=sys.stderr)
        return BAD_INPUT
    left = job_statuses(Footprint.parent)
    show(left, folder)
    recorded = record(Footprint.parent, left)
    codes = {s["status"] for s in left} | ({AGREE} if recorded else {NOT_FINISHED})
    return next(code for code in (NOT_FINISHED, BAD_INPUT, DISAGREE, AGREE) if code in codes)


def interrupted(argv: Sequence[str]) -> bool:
    """Ends a sweep that was stopped, ``argv`` being what was typed; False where none has begun.

    What there is is told at once: to record it takes longer.
    """
    parent = Footprint.parent
    if parent is None or parent.run_id is None:
        abandon()
        return False
    stopping.heed()
    print("runner: interrupted; what was recorded is kept", file=sys.stderr)
    left = job_statuses(parent)
    show(left, parent.folder, _going_on(argv, parent.folder))
    _end_dead_jobs()
    record(parent, left, stopped=True)
    Footprint.held.close()
    return True


def _going_on(argv: Sequence[str], folder: Path) -> str:
    """What is typed to go on with the sweep in ``folder`` that ``argv`` has begun."""
    there = [] if any(word.startswith("hydra.sweep.dir=") for word in argv) else [f"hydra.sweep.dir={folder}"]
    return shell_line(["python", "-m", "runner", *lasting(argv), *there, "resume=true"])


def abandon() -> None:
    """Ends a sweep that has begun, if one has, and did not come to its end by a fault."""
    parent = Footprint.parent
    if parent is not None and parent.run_id is not None:
        stopping.heed()
        _end_dead_jobs()
        record(parent, job_statuses(parent))
    Footprint.held.close()
