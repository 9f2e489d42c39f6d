"""``vnlp-prep report`` as a user has it: real files, a process of its own, the page in a real browser; and hostile records."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from vnlp_prep.corpus.summary import Summary
from vnlp_prep.edits import Edit
from vnlp_prep.review.figures import Figures
from vnlp_prep.review.groups import Groups, Place
from vnlp_prep.review.markup import marked, tag
from vnlp_prep.review.report_page import Report

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample.jsonl"
COMMAND = [sys.executable, "-m", "vnlp_prep"]

#: What would do something if a page held it as it is.
ATTACKS = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 2</script>",
    "</style><script>window.hacked = 3</script>",
    "</title><script>window.hacked = 4</script>",
    "--><script>window.hacked = 5</script><!--",
    '"><img src=x onerror="window.hacked=6">',
    "' onmouseover='window.hacked=7' x='",
    "<svg onload=window.hacked=8>",
    "<iframe src=javascript:parent.hacked=9></iframe>",
    "<link rel=stylesheet href=http://127.0.0.1:9/a.css><img src=http://127.0.0.1:9/a.png>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<base href=http://127.0.0.1:9/><form action=/><input name=q>",
    "&lt;script&gt;window.hacked=10&lt;/script&gt; &amp;lt;b&amp;gt;",
    "\u202eabc\u2066 \u200b\u200d\ufeff x\u0301 \x00\x1b[31m red \x7f \u2028 \ud800".encode("utf-8", "replace").decode(),
    "{{7*7}} ${7*7} `x` \\u003cscript>",
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def report(*args, status=0, stdin=b""):
    command = [*COMMAND, "report", *map(str, args)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done


def jsonl(path, *records):
    Path(path).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


# --- The command -----------------------------------------------------------------------------------------------------


def test_a_corpus_becomes_one_page_and_stays_as_it_is(folder):
    jsonl("kb.jsonl", {"text": "Teh host has the fkag set, it&#39;s sooooo slow"}, {"text": "fine"}, {"title": "no text"})
    before = hashlib.sha256(Path("kb.jsonl").read_bytes()).digest()
    said = report("kb.jsonl", "-o", "r.html", "--title", "Tickets & <others>", status=1).stderr.decode()
    assert "3 records, 1 changed: 3 changes and 1 suggestion in 4 groups; 1 rejected (1 field-missing)" in said
    assert sorted(p.name for p in folder.iterdir()) == ["kb.jsonl", "r.html"]
    assert hashlib.sha256(Path("kb.jsonl").read_bytes()).digest() == before
    page = Path("r.html").read_text(encoding="utf-8")
    assert "<title>Tickets &amp; &lt;others&gt;</title>" in page
    for shown in ("Teh", "known-misspelling", "fkag", "kb.jsonl:1 text", "field-missing", "the text field is missing"):
        assert shown in page
    # Nothing that a browser would fetch, and no style or script but the two whose digests the policy names.
    assert not re.findall(r"""(?:src|href|action|url)\s*[=(]\s*["']?(?!#)[^"'\s)]""", page)
    assert not re.findall(r"<[^>]* (?:style|on\w+)=", page)
    assert "default-src &#x27;none&#x27;; style-src &#x27;sha256-" in page


def test_the_page_is_the_same_for_every_run_and_any_number_of_processes(folder):
    for workers in (1, 2):
        report(SAMPLE, "-o", f"{workers}.html", "--workers", workers, "-q")
    assert Path("1.html").read_bytes() == Path("2.html").read_bytes()


def test_an_edit_log_is_known_by_its_lines(folder):
    jsonl("kb.jsonl", {"text": "Teh host"}, {"text": None})
    subprocess.run([*COMMAND, "kb.jsonl", "-o", "out.jsonl", "--edits", "edits.jsonl", "-q"], check=False)
    report("edits.jsonl", "-o", "r.html")
    assert "Read from the edit log edits.jsonl" in Path("r.html").read_text(encoding="utf-8")
    page = report("-", "--edits", "-o", "-", stdin=Path("edits.jsonl").read_bytes()).stdout.decode()
    assert "kb.jsonl:1 text" in page
    assert "field-null" in page


def test_fields_formats_packing_and_folders_are_those_of_clean(folder):
    (folder / "kb").mkdir()
    with gzip.open("kb/a.jsonl.gz", "wt") as file:
        file.write('{"meta": {"title": "Teh host"}}\n')
    jsonl("kb/b.jsonl", {"meta": {"title": "recieve"}})
    report("kb", "--field", "meta.title", "-o", "r.html.gz")
    page = gzip.decompress(Path("r.html.gz").read_bytes()).decode()
    assert "kb/a.jsonl.gz:1 meta.title" in page
    assert "Files, those with most changes first" in page


def test_pieces_per_word_with_a_vocabulary(folder):
    Path("vocab.txt").write_text("[UNK]\nthe\nhost\nt\n##e\n##h\n##s\n", encoding="utf-8")
    jsonl("kb.jsonl", {"text": "Teh host"})
    report("kb.jsonl", "--vocabulary", "vocab.txt", "-o", "r.html")
    page = Path("r.html").read_text(encoding="utf-8")
    assert "Pieces per word" in page
    assert "before 2.00" in page


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["none.jsonl", "-o", "r.html"], "none.jsonl: no such file"),
        (["kb.jsonl", "-o", "kb.jsonl"], "would replace an input"),
        (["kb.jsonl", "-o", "no/r.html"], "there is no folder"),
        (["kb.jsonl"], "Missing option '-o'"),
        (["edits.jsonl", "-o", "r.html", "--stages", "html"], "--stages: an edit log tells what a run did"),
        (["edits.jsonl", "kb.jsonl", "-o", "r.html"], "edits.jsonl is an edit log, and kb.jsonl is none"),
        (["kb.jsonl", "--edits", "-o", "r.html"], "kb.jsonl:1: is no entry of an edit log"),
        (["kb.jsonl", "-o", "r.html", "--stages", "htm"], "did you mean html?"),
    ],
)
def test_errors_say_what_to_do_and_leave_an_older_page(folder, args, message):
    jsonl("kb.jsonl", {"text": "Teh host"})
    jsonl("edits.jsonl", {"file": "kb.jsonl", "line": 1, "edits": []})
    Path("r.html").write_text("older")
    assert message in report(*args, status=2).stderr.decode()
    assert Path("r.html").read_text() == "older"


def test_a_corpus_without_records_or_changes_has_a_page_too(folder):
    Path("kb.jsonl").write_text("\n")
    report("kb.jsonl", "-o", "r.html")
    jsonl("kb.jsonl", {"text": "fine"})
    report("kb.jsonl", "-o", "r.html")
    assert "0 %" in Path("r.html").read_text(encoding="utf-8")


def test_a_damaged_archive_is_said(folder):
    packed = gzip.compress(b"".join(b'{"text": "Teh host %d"}\n' % i for i in range(50_000)))
    Path("kb.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    assert (
        "what was read before is in the report"
        in report("kb.jsonl.gz", "-o", "r.html", "--stages", "html", status=2).stderr.decode()
    )
    assert "ends too early" in Path("r.html").read_text(encoding="utf-8")


# --- What it costs ---------------------------------------------------------------------------------------------------


def test_ten_thousand_groups_make_a_page_of_bounded_size():
    groups, figures, summary = Groups(), Figures(), Summary()
    for number in range(10_000):
        edits = [Edit("spelling", "wrong-letter", 40, 48, f"wro{number:05}", "\u200b" * 40, 0.9)]
        suggestions = [Edit("spelling", "wrong-letter", 50, 58, f"wra{number:05}", "\u200b" * 40, 0.4)]
        raw = "\u202e" * 40 + edits[0].before + "  " + suggestions[0].before + "\u202e" * 40
        groups.add(Place("kb.jsonl", number, "text"), raw, edits, suggestions)
        figures.add_record("kb.jsonl", number, edits, suggestions)
    summary.records = summary.changed = 10_000
    page = Report("Big", ["kb.jsonl"], groups, figures, summary).page()
    assert len(page) < 20_000_000  # every character of it the worst: labels
    assert page.count(b"<details") < 1_010
    assert b"9,500 more groups of less weight, with 9,500 changes, are not shown" in page


# --- What it shows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#x27;"),
        ("\u200b", '<span class="ch" title="U+200B ZERO WIDTH SPACE">ZWSP</span>'),
        ("\x00", '<span class="ch" title="U+0000">NUL</span>'),
        ("\ud800", '<span class="ch" title="U+D800">D800</span>'),
        ("\n", '<span class="ch nl" title="U+000A">⏎</span>'),
        ("e\u0301", 'e<span class="ch" title="U+0301 COMBINING ACUTE ACCENT">\u25cc\u0301</span>'),
        ("naïve 東京 🙂", "naïve 東京 🙂"),
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_name(raw, shown):
    assert marked(raw) == shown


def test_spaces_that_could_be_overlooked_are_dots():
    assert marked(" a b  c", spaces=True) == '<span class="sp">·</span>a b<span class="sp">··</span>c'


def test_attributes_are_escaped():
    assert (
        tag("p", title='"><script>\ud800\u202e', hidden=True, id=None)
        == '<p title="&quot;&gt;&lt;script&gt;\\ud800\\u202e" hidden></p>'
    )


# --- In a browser ----------------------------------------------------------------------------------------------------


class Recorder(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked for."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


def opened(browser, path: Path):
    browser.get_log("browser")
    browser.get(path.resolve().as_uri())
    return browser


def problems(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def hostile_report(folder: Path) -> Path:
    """A report in which every text comes from somebody who means harm: records, fields, rules, files, the title."""
    groups, figures, summary = Groups(), Figures(), Summary()
    attacks = [*ATTACKS, "\ud800\udfff"]
    for number, attack in enumerate(attacks):
        raw = f"{attack}teh{attack}"
        edits = [
            Edit(attack, attack, len(attack), len(attack) + 3, "teh", attack, 0.9),
            Edit("html", attack, 0, len(attack), attack, "", 1.0),
        ]
        suggestions = [Edit("spelling", attack, 0, len(attack), attack, attack[::-1] or "x", 0.5)]
        groups.add(Place(attack, number + 1, attack), raw, edits, suggestions)
        figures.add_record(attack, number, edits, suggestions)
        figures.add_text(raw, attack)
        summary.rejects[attack] += 1
        summary.edits[attack] += 2
        summary.damaged.append((attack, attack))
    summary.records = summary.changed = len(attacks)
    path = folder / "hostile.html"
    settings = dict(zip(attacks, attacks, strict=True))
    path.write_bytes(Report("".join(attacks), attacks, groups, figures, summary, settings=settings).page())
    return path


def open_all(browser) -> None:
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")


#: What came of the attacks, if anything: elements, scripts, requests, another title or base.
INSIDE = """
const kinds = ["img", "iframe", "script", "style", "base", "meta", "link", "form", 'a:not([href^="#"])'];
const resources = performance.getEntriesByType("resource").filter((entry) => !entry.name.endsWith("/favicon.ico"));
return [typeof window.hacked, document.querySelectorAll(kinds.map((kind) => `main ${kind}`).join()).length,
  document.scripts.length, resources.length, document.title.includes("<script>"), document.baseURI === location.href];
"""


def test_nothing_in_a_hostile_report_runs_or_is_fetched(browser, folder):
    page = hostile_report(folder)
    Recorder.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Recorder, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for address in (page.as_uri(), f"http://127.0.0.1:{server.server_port}/hostile.html"):
            browser.get_log("browser")
            browser.get(address)
            open_all(browser)
            inside = browser.execute_script(INSIDE)
            assert inside == ["undefined", 0, 1, 0, True, True]
            assert browser.current_url == address
            assert [message for message in problems(browser) if "favicon" not in message] == []
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert set(Recorder.asked) <= {"/hostile.html", "/favicon.ico"}


def test_a_hostile_corpus_makes_a_harmless_page(browser, folder):
    jsonl("<img src=x onerror=hacked=1>.jsonl", *({"text": f"{attack} teh {attack}"} for attack in ATTACKS))
    report("<img src=x onerror=hacked=1>.jsonl", "-o", "r.html", "--title", ATTACKS[1])
    opened(browser, folder / "r.html")
    open_all(browser)
    assert browser.execute_script("return [typeof window.hacked, document.scripts.length]") == ["undefined", 1]
    assert "<script>window.hacked" in browser.find_element("id", "changes").text
    assert "ZWSP" in browser.find_element("id", "changes").text
    assert problems(browser) == []


def test_the_list_is_filtered_and_sorted(browser, folder):
    report(SAMPLE, "-o", "r.html")
    opened(browser, folder / "r.html")
    changes = browser.find_element("id", "changes")
    rows = changes.find_elements("css selector", ".rows > details")
    assert len(rows) > 300
    box = changes.find_element("css selector", "input")
    browser.find_element("tag name", "body").send_keys("/")
    assert browser.switch_to.active_element == box
    box.send_keys("recieve known")
    left = changes.find_elements("css selector", ".rows > details:not([hidden])")
    assert 0 < len(left) < 10
    assert all("recieve" in row.get_property("textContent") for row in left)
    assert changes.find_element("css selector", ".shown").text == f"{len(left)} of {len(rows)}"
    box.send_keys(" nothing-has-this")
    assert changes.find_element("css selector", ".none").is_displayed()
    box.send_keys("\ue00c")  # Escape
    changes.find_element("css selector", '.chip[data-stage="html"]').click()
    stages = browser.execute_script(
        "return [...document.querySelectorAll('#changes details:not([hidden])')].map((d) => d.dataset.stage)"
    )
    assert "html" not in stages
    assert "spelling" in stages
    changes.find_element("css selector", 'option[value="count"]').click()
    counts = browser.execute_script(
        "return [...document.querySelectorAll('#changes details')].map((d) => Number(d.dataset.count))"
    )
    assert counts == sorted(counts, reverse=True)
    changes.find_element("css selector", 'option[value="weight"]').click()
    assert changes.find_elements("css selector", ".rows > details")[0] == rows[0]
    rows[1].find_element("css selector", "summary").click()
    assert "data/sample.jsonl:" in rows[1].text
    assert problems(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_can_be_read(browser, folder, scheme, width):
    report(SAMPLE, "-o", "r.html")
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        opened(browser, folder / "r.html")
        open_all(browser)
        assert browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        low = browser.execute_script(CONTRAST)
        assert low == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


#: Texts whose contrast with their ground is below 4.5 (WCAG 2.2, 1.4.3), of the first rows and everything above.
CONTRAST = """
const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => { const [r, g, b] = c.map((v) => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const parts = (c) => c.match(/[\\d.]+/g).map(Number);
const ground = (e) => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
const found = new Set();
const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
const all = [...document.querySelectorAll('body *')].filter(hasText);
for (const e of all.slice(0, 900)) {
  if (e.closest('script, option, svg')) continue;
  const a = light(parts(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) found.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)}`);
}
return [...found];
"""


def test_without_scripts_it_is_whole(browser, folder):
    report(SAMPLE, "-o", "r.html")
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        opened(browser, folder / "r.html")
        changes = browser.find_element("id", "changes")
        assert not changes.find_element("css selector", ".tools").is_displayed()
        row = changes.find_element("css selector", "details")
        row.find_element("css selector", "summary").click()
        assert "data/sample.jsonl:" in row.text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
