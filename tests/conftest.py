"""One thread of BLAS and of torch for each pytest process, so that workers do not fight for cores; a store to copy."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from mlflow import MlflowClient
from threadpoolctl import threadpool_limits

from tests.helpers import chosen, composed
from tests.sharing import common_folder


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_config_kept() -> Iterator[None]:
    yield
    composed.cache_clear()
    chosen.cache_clear()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sqlite store that MLflow has migrated, which takes it seconds, without a run in it; to be copied."""
    folder = common_folder(tmp_path_factory, "migrated")
    path = folder / "template.db"
    with FileLock(folder / "lock"):
        if not path.exists():
            MlflowClient(f"sqlite:///{folder / 'new.db'}").search_experiments()
            shutil.copy(folder / "new.db", path)
    return path
