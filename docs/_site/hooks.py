"""What pages as a code host shows them need to become pages of the site.

- Pages that lie outside ``docs/`` get a place in the site; links to them and from them hold there and on a code host.
- In a table a code host wants the bar in a code span escaped; here it must not be.
- Sessions with ``>>>`` are highlighted as such.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

#: Path in the repository -> path in the site.
PAGES_OUTSIDE = {"data/README.md": "data.md", "CHANGELOG.md": "changelog.md"}

_PLACES = {in_site: path for path, in_site in PAGES_OUTSIDE.items()}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)\s#]+\.md)(?=[)#])")

_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
_SESSION = re.compile(r"^```python(?=\n>>> )", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]+`")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    root = Path(config.config_file_path).parent
    for path, in_site in PAGES_OUTSIDE.items():
        files.append(File.generated(config, in_site, content=(root / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page, with links to where things are in the site."""
    del config, files
    here = page.file.src_uri
    folder = posixpath.dirname(_PLACES.get(here, f"docs/{here}"))

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[0]))
        target = PAGES_OUTSIDE.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(target, posixpath.dirname(here) or ".")

    markdown = _LINK.sub(link, markdown)
    markdown = _SESSION.sub("```pycon", markdown)
    return _ROW.sub(lambda row: _CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), markdown)
