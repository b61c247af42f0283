"""What is composed from what was remembered is what plain Hydra composes, and what it refuses is refused alike."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from benchmarks.composing import hydras_own
from runner.composer import Composer
from runner.sweep import Footprint

Loaders = tuple[ConfigLoaderImpl, Composer]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of choices beside ours, one of which chooses others."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "experiment").mkdir()
    (folder / "data").mkdir()
    (folder / "data" / "mine.yaml").write_text("defaults: [uniform, _self_]\nsamples: 7\n")
    text = "# @package _global_\ndefaults:\n  - override /optimizer: adam\n  - override /data: mine\nlr: ${seed}\n"
    (folder / "experiment" / "chosen.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def loaders() -> Iterator[Loaders]:
    """Hydra's own loader, and the one that remembers."""
    with hydras_own() as plain:
        yield plain, Composer(plain.config_search_path)


def load(loader: ConfigLoaderImpl, overrides: list[str], mode: RunMode = RunMode.RUN) -> DictConfig:
    return loader.load_configuration("config", list(overrides), mode)


def described(node: Any) -> Any:
    """All that a node holds: what it is unresolved, its types and its flags, and the same of what is below."""
    if not isinstance(node, DictConfig | ListConfig):
        return type(node), node._value()
    hollow = node._is_none() or node._is_missing() or node._is_interpolation()
    names: list[Any] = [] if hollow else list(range(len(node))) if isinstance(node, ListConfig) else list(node)
    about = node._metadata
    below = [(name, described(node._get_node(name))) for name in names]
    return type(node), about.ref_type, about.object_type, about.flags, node._value() if hollow else None, below


RIGHT = [
    [],
    ["seed=1"],
    ["seed=2", "lr=0.5", "data.samples=10", "record.plots=false"],
    ["data=normal", "data.samples=3"],
    ["data.samples=3", "data=normal", "optimizer=adam", "+optimizer.extra=1"],
    ["backend=[torch,scratch]", "architecture.hidden=[1,2,3]"],
    ["backend=[torch]", "+backend.mine={use: function, path: 'my.py:backprop'}"],
    ["architecture={hidden: [4], activation: tanh}"],
    ["architecture.hidden=[1]", "architecture={hidden: [4]}", "architecture=lenet"],
    ["+new={a: {b: [1, x]}}", "++lr=3", "++other=[1,2]", "~epochs"],
    ["~schedule", "~data.samples", "~data.low=0"],
    ["~clip=none", "+data@target.second=normal", "target.second.samples=3"],
    ["experiment=assignment", "lr=1"],
    ["experiment=iris_mlp", "epochs=1"],
    ["lr=${seed}", "seed=${oc.env:HOME}", "data.high=${lr}"],
    ["dtype='a=b'", "data.low=null", "tracking.uri='sqlite:///a b.db'"],
    ["hydra.job.name=called", "hydra.job.override_dirname=lost", "seed=3"],
    ["seed=4", "hydra.job.config.override_dirname.exclude_keys=[seed]", "lr=1"],
    ["hydra.job.env_copy=[HOME]", "+hydra.job.env_set.MINE=1", "hydra/job_logging=default"],
    ["hydra={verbose: true}", "seed=3"],
    ["hydra.sweep.dir=here", "hydra.sweep.subdir=${hydra.job.override_dirname}", "lr=2"],
]
WRONG = [
    ["lr=0.1,0.2"],
    ["lr=abc"],
    ["nothing=1"],
    ["data.sample=3"],
    ["data=unifrom"],
    ["backend=1"],
    ["++data=normal"],
    ["+lr=3"],
    ["+experiment=assignment"],
    ["~record.svg"],
    ["+schedule@second=cosine"],
    ["~nothing"],
    ["~data=normal"],
    ["~lr=3"],
    ["lr@there=3"],
    ["data@there=normal"],
    ["lr"],
    ["seed=[1"],
    ["hydra.nothing=1"],
    ["hydra.searchpath=3"],
]


@pytest.mark.parametrize("overrides", RIGHT, ids=" ".join)
def test_a_composition_is_hydras(loaders: Loaders, overrides: list[str]) -> None:
    plain, remembers = (load(loader, overrides) for loader in loaders)
    assert described(remembers) == described(plain)
    remembers.hydra.job.num = 3  # as a launcher does
    OmegaConf.set_struct(remembers, False)
    remembers.data = None
    assert described(load(loaders[1], overrides)) == described(plain)


@pytest.mark.parametrize("overrides", WRONG, ids=" ".join)
def test_a_refusal_is_hydras(loaders: Loaders, overrides: list[str]) -> None:
    errors = []
    for loader in (*loaders, loaders[1]):
        with pytest.raises((HydraException, OmegaConfBaseException, ValueError)) as caught:
            load(loader, overrides)
        errors.append(
            (type(caught.value), str(caught.value), type(caught.value.__cause__), str(caught.value.__cause__))
        )
    assert errors[0] == errors[1] == errors[2]


def test_choices_of_other_folders_are_found_there_and_only_there(loaders: Loaders, own: Path) -> None:
    searched = [f"hydra.searchpath=[file://{own}]", "experiment=chosen", "seed=3"]
    plain, remembers = (load(loader, searched) for loader in loaders)
    assert described(remembers) == described(plain)
    assert (remembers.data.samples, remembers.optimizer.lr if "lr" in remembers.optimizer else remembers.lr) == (7, 3)
    with pytest.raises(Exception, match="chosen"):
        load(loaders[1], ["experiment=chosen", "seed=3"])


def test_the_jobs_of_a_sweep_are_composed_as_by_hydra(loaders: Loaders) -> None:
    plain, remembers = loaders
    master = load(plain, ["lr=0.1,0.2", "data=normal,uniform", "hydra.job.name=called"], RunMode.MULTIRUN)
    token = master.hydra.sweep.dir
    for job in (["lr=0.1", "data=normal"], ["lr=0.1", "data=uniform"], ["lr=0.2", "data=normal"]):
        ours, theirs = (loader.load_sweep_config(master, list(job)) for loader in (remembers, plain))
        assert described(ours) == described(theirs)
        assert ours.hydra.sweep.dir == token
        assert (str(ours.lr), ours.data._target_.rpartition(".")[2].lower()) == (job[0][3:], job[1][5:])


def test_files_are_those_that_were_read_first(loaders: Loaders, own: Path) -> None:
    file = own / "data" / "mine.yaml"
    searched = [f"hydra.searchpath=[file://{own}]", "data=mine"]
    before = file.read_text()
    remembers = Composer(loaders[0].config_search_path)
    assert load(remembers, searched).data.samples == 7
    file.write_text(before.replace("7", "8"))
    assert load(loaders[0], searched).data.samples == 8
    assert load(remembers, [*searched, "seed=5"]).data.samples == 7
    assert load(remembers, [*searched, "optimizer=adam"]).data.samples == 7
    file.write_text(before)


def test_a_schema_that_cannot_be_pickled_is_composed_too(loaders: Loaders) -> None:
    @dataclass
    class Local:
        samples: int = 3

    store = ConfigStore.instance()
    store.store(group="data", name="local", node=Local)
    try:
        fresh = (loaders[0], Composer(loaders[0].config_search_path))
        plain, remembers = (load(loader, ["data=local", "data.samples=4"]) for loader in fresh)
    finally:
        del store.repo["data"]["local.yaml"]
    assert described(remembers) == described(plain)
    assert remembers.data.samples == 4


def test_another_process_is_sent_hydras_own(loaders: Loaders) -> None:
    load(loaders[1], ["seed=6"])
    sent = pickle.loads(pickle.dumps(loaders[1]))
    assert type(sent) is ConfigLoaderImpl
    assert described(load(sent, ["seed=6"])) == described(load(loaders[0], ["seed=6"]))


def test_a_job_that_has_ended_keeps_no_configuration(loaders: Loaders) -> None:
    config = load(loaders[1], ["seed=7"])
    ended = JobReturn(overrides=["seed=7"], cfg=config, hydra_cfg=config)
    Footprint().on_job_end(config=config, job_return=ended)
    assert (ended.cfg, ended.hydra_cfg, ended.overrides) == (None, None, ["seed=7"])
