"""The documentation as a site: it builds without a warning, all its links lead somewhere, and it loads nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
#: Elements that load what their attribute names, when the page is shown.
LOADING = ("img[src]", "script[src]", "iframe[src]", "source[src]", "video[src]", "embed[src]", "object[data]", "link[href]")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, LexborHTMLParser]:
    return {file: LexborHTMLParser(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def values(page: LexborHTMLParser, selector: str) -> Iterator[str]:
    """What the attribute in brackets says, of all elements that have it."""
    attribute = selector.partition("[")[2].rstrip("]")
    for node in page.css(selector):
        yield node.attributes[attribute] or ""


def test_every_page_of_the_documentation_is_in_the_navigation(site: Path, pages: dict[Path, LexborHTMLParser]) -> None:
    home = pages[site / "index.html"]
    listed = {(site / urlsplit(href).path).resolve() for href in values(home, "nav.md-nav--primary a[href]")}
    wanted = {site / file.relative_to(ROOT / "docs").with_suffix(".html") for file in (ROOT / "docs").rglob("*.md")}
    assert wanted | {site / "data.html", site / "changelog.html"} <= listed | {site / "index.html"}
    assert set(pages) - {site / "404.html"} == wanted | {site / "data.html", site / "changelog.html"}


def test_every_link_and_image_leads_somewhere(site: Path, pages: dict[Path, LexborHTMLParser]) -> None:
    anchors = {file: set(values(page, "[id]")) for file, page in pages.items()}
    for file, page in pages.items():
        for selector in ("a[href]", *LOADING):
            for target in values(page, selector):
                url = urlsplit(target)
                if url.scheme or url.netloc or file.name == "404.html":  # its links begin at the root of a server
                    continue
                path = (file.parent / unquote(url.path)).resolve() if url.path else file
                path = path / "index.html" if path.is_dir() else path
                assert path.is_relative_to(site), f"{file.name}: {target}"
                assert path.is_file(), f"{file.name}: {target}"
                fragment = unquote(url.fragment)
                assert not fragment or path.suffix != ".html" or fragment in anchors[path], f"{file.name}: {target}"


def test_nothing_comes_from_another_host(site: Path, pages: dict[Path, LexborHTMLParser]) -> None:
    for file, page in pages.items():
        for selector in LOADING:
            for target in values(page, selector):
                url = urlsplit(target)
                assert not url.netloc, f"{file.name} loads {target}"
                assert url.scheme in ("", "data"), f"{file.name} loads {target}"
        assert not page.css(".mermaid, [srcset]")  # the first would fetch a script
    for file in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", file.read_text(encoding="utf-8")), file.name


def test_examples_in_docstrings_are_blocks_of_code(site: Path, pages: dict[Path, LexborHTMLParser]) -> None:
    article = pages[site / "api.html"].css_first("article")
    assert not article.css("blockquote")
    assert any(">>> suggest(" in re.sub(r"\s+", " ", block.text()) for block in article.css("pre"))
    assert "`" not in "".join(p.text() for p in article.css("p"))
    assert any(re.match(r"Edit\(\s*stage: str,", block.text()) for block in article.css("pre"))
    names = {node.attributes["id"] for node in article.css("h3[id]")}
    import vinilm
    import vnlp_prep

    assert {f"vnlp_prep.{name}" for name in vnlp_prep.__all__} - {"vnlp_prep.VnlpError"} <= names
    assert {f"vinilm.{name}" for name in vinilm.__all__} <= names


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("page", ["index", "spelling", "cli", "api", "benchmarks", "how-to/teach-it-your-domain"])
def test_a_page_fits_and_asks_nobody_else(browser: Chrome, address: str, page: str, width: int, scheme: str) -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(f"{address}/{page}.html")
        assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        colour = browser.execute_script("return document.body.getAttribute('data-md-color-scheme')")
        assert colour == {"light": "default", "dark": "slate"}[scheme]
        images = browser.execute_script("return [...document.images].map(i => [i.src, i.clientWidth, i.parentNode.clientWidth])")
        assert all(0 < image <= room for _, image, room in images)
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
        assert loaded
        assert all(name.startswith((address, "data:", "blob:")) for name in loaded)
        assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("place", ["server", "disk"])
def test_search_finds(browser: Chrome, address: str, site: Path, place: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get({"server": address, "disk": site.as_uri()}[place] + "/index.html")
    field = browser.find_element("css selector", ".md-search__input")
    field.click()
    field.send_keys("rejects")
    found = WebDriverWait(browser, 20).until(
        lambda b: [a.get_attribute("href") for a in b.find_elements("css selector", ".md-search-result__link")]
    )
    assert any("corpus.html" in (href or "") for href in found)
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
