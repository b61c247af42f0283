"""One thread of BLAS and of torch for each pytest process, so that workers do not fight for cores."""

from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_limits

from tests.helpers import composed


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_config_kept() -> Iterator[None]:
    yield
    composed.cache_clear()
