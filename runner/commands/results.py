"""What grading leaves: grades.csv, index.html, and a page a submission."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from runner.commands.crew import Submission
from runner.commands.grades import FAILED, Grade
from runner.commands.own_function import run_line
from runner.comparison.results import SEVERITY
from runner.errors import printable
from runner.records.files import remove_parts, utf8, write_text
from runner.records.words import number, small

STYLE = """\
body { font-family: sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; line-height: 1.4 }
table { border-collapse: collapse } th, td { padding: .2em .8em; border-bottom: 1px solid #ccc; text-align: left }
td.n { text-align: right } pre { background: #eee; padding: .6em; white-space: pre-wrap; overflow-wrap: anywhere }
.good { color: #060 } .bad { color: #a00 }"""

POLICY = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
"""Nothing but the page's own style is loaded or run, whatever a submission prints."""

FIRST_COLUMNS = ("file", "verdict", "cause", "sentence", "first_tensor", "share_right")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Results:
    """The grades so far, on the disk after each: whatever ends the grading, they are whole."""

    def __init__(self, out: Path, folder: str, function: str, overrides: Sequence[str], tensors: Sequence[str]) -> None:
        self.table, self.index = out / "grades.csv", out / "index.html"
        self._pages, self._folder, self._function = out / "pages", folder, function
        self._overrides, self._tensors = list(overrides), list(tensors)
        self._grades: dict[int, tuple[Submission, Grade]] = {}

    @property
    def count(self) -> int:
        """How many submissions are graded."""
        return len(self._grades)

    @property
    def all_agree(self) -> bool:
        return all(found.verdict == "agree" for _, found in self._grades.values())

    def summary(self) -> str:
        """One line: how many there are of each verdict."""
        counts = Counter(found.verdict for _, found in self._grades.values())
        listed = [f"{counts[verdict]} {verdict}" for verdict in (*SEVERITY, FAILED) if counts[verdict]]
        return f"{self.count} {'submission' if self.count == 1 else 'submissions'}: {', '.join(listed)}"

    def add(self, submission: Submission, found: Grade) -> None:
        """Writes the submission's page, and the table and the index anew; what cannot be written leaves no trace."""
        grades = {**self._grades, submission.number: (submission, found)}
        ordered = [grades[k] for k in sorted(grades)]
        page = self._pages / _page_name(submission)
        try:
            write_text(page, self._page(submission, found))
            write_text(self.table, self._csv(ordered))
            self._grades = grades
            write_text(self.index, self._index(ordered))
        except OSError:
            remove_parts((page, self.table, self.index))
            raise

    def _csv(self, ordered: Sequence[tuple[Submission, Grade]]) -> str:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        roundings = [f"roundings/{name}" for name in self._tensors]
        rows.writerow([*FIRST_COLUMNS, *roundings, "seconds", "page"])
        for submission, found in ordered:
            roundings = [_figure(found.tensors[n].logic_roundings) if n in found.tensors else "" for n in self._tensors]
            share, page = f"{found.share_right(self._tensors):.4g}", f"pages/{_page_name(submission)}"
            words = [utf8(word) for word in (_no_formula(submission.name), found.verdict, found.cause, found.sentence)]
            rows.writerow([*words, found.first_tensor, share, *roundings, f"{found.seconds:.1f}", page])
        return text.getvalue()

    def _index(self, ordered: Sequence[tuple[Submission, Grade]]) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("file", "verdict", "cause", "tensors right"))
        rows = []
        for submission, found in ordered:
            link = f'<a href="pages/{quote(_page_name(submission))}">{escape(printable(submission.name))}</a>'
            verdict = f'<td class="{_class(found.verdict == "agree")}">{found.verdict}</td>'
            share = f'<td class="n">{found.share_right(self._tensors):.0%}</td>'
            rows.append(f"<tr><td>{link}</td>{verdict}<td>{escape(found.cause)}</td>{share}</tr>")
        listed = "\n".join(rows)
        return _document("Grades", f"<p>{escape(self.summary())}</p>\n<table><tr>{head}</tr>\n{listed}\n</table>")

    def _page(self, submission: Submission, found: Grade) -> str:
        details = "".join(f"<li>{escape(line)}</li>" for line in found.details)
        replay = run_line(f"{Path(self._folder) / submission.name}:{self._function}", self._overrides)
        parts = [
            '<p><a href="../index.html">all grades</a></p>',
            f'<p class="{_class(found.verdict == "agree")}"><b>{escape(found.sentence)}</b></p>',
            f"<p>cause: {escape(found.cause)}</p>" if found.cause else "",
            f"<ul>{details}</ul>" if details else "",
            f"<p>{found.share_right(self._tensors):.0%} of the tensors are right</p>",
            self._tensor_table(found) if found.tensors else "",
            f"<h2>What it printed</h2><pre>{escape(found.printed)}</pre>" if found.printed else "",
            f"<h2>To see it again</h2><pre>{escape(replay)}</pre>",
        ]
        return _document(printable(submission.name), "\n".join(part for part in parts if part))

    def _tensor_table(self, found: Grade) -> str:
        names = ("tensor", "max |deviation|", "roundings", "logic roundings", "")
        rows = ["".join(f"<th>{escape(name)}</th>" for name in names)]
        for name in self._tensors:
            t = found.tensors.get(name)
            cells = [small(t.max_abs), number(t.roundings), number(t.logic_roundings)] if t else ["-"] * 3
            figures = "".join(f'<td class="n">{cell}</td>' for cell in cells)
            ok = f'<td class="{_class(t.ok)}">{"ok" if t.ok else "not ok"}</td>' if t else "<td>-</td>"
            rows.append(f"<td>{escape(name)}</td>{figures}{ok}")
        return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _no_formula(name: str) -> str:
    """A file's name that no spreadsheet takes for a formula to be computed."""
    return f"./{name}" if name.startswith(("=", "+", "-", "@")) else name


def _page_name(submission: Submission) -> str:
    """Unique by the number, and safe in a link and on any disk."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", submission.name.removesuffix(".py"))[:60]
    return f"{submission.number:03d}-{stem}.html"


def _document(title: str, body: str) -> str:
    head = f'<meta charset="utf-8">{POLICY}<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>'
    text = f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n'
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", utf8(f"{text}</body></html>\n"))


def _class(good: bool) -> str:
    return "good" if good else "bad"


def _figure(value: float) -> str:
    return "" if value != value else f"{value:.6g}"
