"""What MkDocs asks of us while it builds the site: pages that are made, links that hold, formulas that show."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from documentation.catalogue import catalogue
from documentation.links import DOCS, ROOT, outside, relinked, site_path, source_page
from documentation.mathematics import with_mathml


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are no files of docs/: the front page, the catalogue, an index, and the sources linked to."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = {
        "index.md": relinked(readme, ROOT, "index.md"),
        "catalogue.md": catalogue(),
        "derivations/index.md": _derivations(),
    }
    linked = set(outside(readme, ROOT))
    for page in DOCS.rglob("*.md"):
        linked |= set(outside(page.read_text(encoding="utf-8"), page.parent))
    made |= {str(site_path(file)): source_page(file) for file in linked}
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links out of docs/ lead to the copies."""
    file = DOCS / page.file.src_uri
    return relinked(markdown, file.parent, page.file.src_uri) if file.exists() else markdown


def on_page_content(html: str, **_: object) -> str:
    """Formulas that show without a script."""
    return with_mathml(html)


def _derivations() -> str:
    """An entry a page, by its title."""
    titles = {
        page.name: page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        for page in sorted((DOCS / "derivations").glob("*.md"))
    }
    return "# Derivations\n\n" + "".join(f"- [{title}]({name})\n" for name, title in titles.items())
