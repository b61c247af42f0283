"""Pages whose every text from outside is an attack: in a browser none of it runs, and all of it is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Page

from runner.commands import run_command
from runner.commands.crew import Submission
from runner.commands.grades import Grade, TensorGrade
from runner.commands.results import Results

from .records import Records

ATTACK = (
    """</script></title></style></textarea><script>window.owned=1</script><img src=x onerror="window.owned=1">"""
    """<svg onload=window.owned=1>"' onmouseover=window.owned=1 x='<!--\u2028]]>&lt;"""
)


def attacked(document: Any, *keys: str) -> Any:
    """The document, in which the texts under ``keys`` end with the attack."""
    if isinstance(document, dict):
        spoilt = {key: f"{document[key]}{ATTACK}" for key in keys if isinstance(document.get(key), str)}
        return {key: attacked(value, *keys) for key, value in document.items()} | spoilt
    return [attacked(value, *keys) for value in document] if isinstance(document, list) else document


def shown(page: Page, file: Path) -> str:
    """The text of a page on which nothing was run and nothing was asked for."""
    wrong: list[str] = []
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda request: wrong.append(request.url) if request.url != file.as_uri() else None)
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(file.as_uri(), wait_until="networkidle")
    for element in page.locator("svg *, td, th, dd").all()[:20]:
        element.dispatch_event("mouseover")
    assert page.evaluate("window.owned") is None
    assert wrong == []
    assert page.locator("img[src=x], svg[onload], [onmouseover]").count() == 0
    text = page.locator("html").text_content()
    assert text is not None
    return text


@pytest.mark.parametrize("name", ["agree", "wrong"])
def test_the_report_of_a_hostile_run(
    page: Page, records: Records, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run = Path(shutil.copytree(records.folder(name), tmp_path / "run"))
    for file, keys in (
        ("verdict.json", ("sentence", "finding", "pattern", "where", "formula", "words", "name")),
        ("environment.json", ("cpu", "platform", "python", "commit", "numpy")),
    ):
        document = attacked(json.loads((run / file).read_text(encoding="utf-8")), *keys)
        if file == "environment.json":
            document["files"] = {f"/x/{ATTACK}": ATTACK}
        (run / file).write_text(json.dumps(document), encoding="utf-8")
    (run / "overrides.yaml").write_text(yaml.safe_dump([f"lr={ATTACK}"]), encoding="utf-8")
    config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"extra": ATTACK}), encoding="utf-8")
    assert run_command(["report", str(run)]) == 0
    assert "<script>" not in capsys.readouterr().err
    text = shown(page, run / "report.html")
    assert text.count("<script>window.owned=1</script>") > 4


def test_the_grades_of_hostile_submissions(page: Page, tmp_path: Path) -> None:
    name = f"{ATTACK.replace('/', '-')}.py"
    results = Results(tmp_path, f"folder{ATTACK}", "backprop", [f"lr={ATTACK}"], [f"weight{ATTACK}"])
    rows = {f"weight{ATTACK}": TensorGrade(1.0, 1.0, 1.0, ok=False)}
    found = Grade("mismatch", ATTACK, ATTACK, [ATTACK], f"weight{ATTACK}", rows, ATTACK)
    results.add(Submission(1, name, tmp_path / name), found)
    assert "window.owned=1" in shown(page, results.index)
    (file,) = (tmp_path / "pages").iterdir()
    assert shown(page, file).count("<script>window.owned=1</script>") > 4
