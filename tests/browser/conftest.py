"""A real browser, and what it looks at. Without Debian's chromium these tests are skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.cli.process import ROOT
from tests.sharing import common_folder

from .records import Records, make
from .server import served

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SAFETY = 30_000
"""Milliseconds after which a page that does not show what it should is given up."""

Screen = Callable[[Page, str], None]


# Beyond this package nothing runs beside the browser: its driver keeps an event loop open in the tests' thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless, with a profile of its own that is gone afterwards."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: on Debian and Ubuntu `apt-get install chromium` installs it")
    expect.set_options(timeout=SAFETY)
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page, wide enough for a desk."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SAFETY)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="package")
def records(browser: Browser, tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Records:
    """The runs, made once for all workers."""
    root = common_folder(tmp_path_factory, "browser")
    with FileLock(root.with_suffix(".lock")):
        if not (root / "made").exists():
            make(root, migrated)
            (root / "made").touch()
    return Records(root)


@pytest.fixture(scope="package")
def server(records: Records) -> Iterator[str]:
    """The address of MLflow, over the store of the records."""
    with served(records.root) as address:
        yield address


@pytest.fixture
def screen() -> Screen:
    """Puts a picture of the whole page into outputs/screens, for a look."""
    folder = ROOT / "outputs" / "screens"
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return take
