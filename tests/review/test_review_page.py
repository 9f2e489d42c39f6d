"""``vnlp-prep review`` as a person has it: the real command, the page in a real browser, keys, the file, the cleaner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("selenium")

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from vnlp_prep import Preprocessor

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    *["We recieve a mesage from the client each day."] * 4,
    *["The hostt has the fkag set, see <b>KB 1234</b> and restart it."] * 3,
    "Open the page as specifiedin the manual of the client.",
]
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
HOSTILE_TEXTS = [
    f"{HOSTILE} We recieve it {HOSTILE} each day.",
    f"&lt;script&gt;document.title='owned'&lt;/script&gt; Teh {HOSTILE}",
    "\"><svg/onload=document.title='owned'> javascript:alert(1) Teh \u202egnp.exe\u200b \u0007 ${alert(1)} {{7*7}} page.",
]


class Running:
    """The command, which runs until it is told to end."""

    def __init__(self, folder: Path, texts: list[str], *options: str) -> None:
        self.domain = folder / "domain.tsv"
        corpus = folder / "corpus.jsonl"
        corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        command = [sys.executable, "-m", "vnlp_prep", "review", "domain.tsv", "corpus.jsonl", "--no-browser", *options]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise AssertionError(self.process.communicate()[1])

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def begin(texts: list[str], *options: str) -> Running:
        running.append(Running(tmp_path, texts, *options))
        return running[-1]

    yield begin
    for one in running:
        one.end()


class Page:
    """The page, as a person uses it."""

    def __init__(self, browser: Chrome, address: str) -> None:
        self.browser = browser
        browser.get_log("browser")
        browser.get(address)
        browser.execute_script("sessionStorage.clear()")
        self.ready()

    def ready(self) -> None:
        self.until(lambda: self.browser.execute_script("return document.body.dataset.ready"))

    def until(self, condition: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, 20, 0.05).until(lambda _: condition())

    def reload(self) -> None:
        self.browser.refresh()
        self.ready()

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.browser.switch_to.active_element.send_keys(key)

    def text(self, name: str) -> str:
        return self.browser.find_element(By.ID, name).text

    def find(self, word: str) -> None:
        """Look for a word: then its change is the selected one."""
        self.keys("/")
        field = self.browser.find_element(By.ID, "search")
        field.clear()
        field.send_keys(word, Keys.ENTER)
        self.until(lambda: word in self.text("d-change"))

    def choose(self, which: str) -> None:
        self.browser.find_element(By.CSS_SELECTOR, f"input[value={which}] + span").click()

    def is_saved(self) -> None:
        self.until(lambda: self.text("saved") == "saved")

    def rows(self) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, ".row:not([hidden])")

    def decisions(self) -> dict[str, str]:
        """The decisions that the rows in sight show, by word."""
        script = "return [...document.querySelectorAll('.row:not([hidden])')].map(r => [r.item.before, r.dataset.decision])"
        return dict(self.browser.execute_script(script))


def complaints(browser: Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def test_decisions_by_keys_are_kept_and_obeyed(browser: Chrome, start: Callable[..., Running]) -> None:
    running = start(TEXTS)
    page = Page(browser, running.address)
    assert "token" not in browser.current_url
    assert page.text("file") == "domain.tsv"
    words = int(page.text("progress-all"))
    assert words >= 5
    before = int(page.text("effect-changes"))
    page.find("fkag")
    page.keys("a")
    page.is_saved()
    assert page.text("progress-done") == "1"
    assert page.text("effect-changes") == str(before + int(page.text("effect-more")))
    page.find("recieve")
    page.keys("r")
    page.find("mesage")
    page.keys("i")
    page.find("hostt")
    page.keys("e")
    field = browser.find_element(By.ID, "replacement")
    page.until(field.is_displayed)
    field.clear()
    field.send_keys("server", Keys.ENTER)
    page.find("specifiedin")
    page.keys("K")
    page.is_saved()
    page.keys("u")
    page.is_saved()
    assert page.text("progress-done") == "4"
    assert page.text("effect-fewer") == "−8"
    assert "Undone" in page.text("toast")

    wanted = {"fkag": "accepted", "recieve": "rejected", "mesage": "kept", "hostt": "replaced", "specifiedin": ""}
    page.reload()
    page.choose("all")
    page.until(lambda: wanted.items() <= page.decisions().items())
    assert page.text("progress-done") == "4"
    prep = Preprocessor(lexicon=running.domain)
    assert prep("We recieve the fkag of the hostt and the mesage.") == "We recieve the flag of the server and the mesage."
    assert prep(TEXTS[-1]) == "Open the page as specified in the manual of the client."
    assert complaints(browser) == []
    status, said = running.end()
    assert status == 0
    assert f"4 of {words} decided; saved in domain.tsv" in said

    # Another day: what was decided is still there to be seen, and can be taken back.
    running = start(TEXTS)
    page = Page(browser, running.address)
    page.choose("decided")
    page.until(lambda: page.decisions() == {word: kind for word, kind in wanted.items() if kind})
    page.find("hostt")
    page.keys("x")
    page.is_saved()
    assert page.text("progress-done") == "3"
    assert "hostt" not in running.domain.read_text()


def test_a_text_is_tried_out(browser: Chrome, start: Callable[..., Running]) -> None:
    page = Page(browser, start(TEXTS).address)
    page.find("recieve")
    page.keys("i", "t")
    field = browser.find_element(By.ID, "try-text")
    page.until(field.is_displayed)
    field.send_keys("Teh client&#39;s log, and we recieve it")
    page.until(lambda: page.text("try-result") == "The client's log, and we recieve it")
    marks = browser.find_elements(By.CSS_SELECTOR, "#try-shown .edit")
    assert [m.text for m in marks] == ["TehThe", "&#39;'"]
    browser.execute_script("arguments[0].focus()", marks[0])
    tip = page.until(lambda: page.text("tip"))
    assert "Teh → The" in tip
    assert "spelling" in tip
    assert "known-misspelling" in tip
    assert "% sure" in tip
    page.keys(Keys.ESCAPE)
    page.until(lambda: not field.is_displayed())
    assert complaints(browser) == []


def test_hostile_records_run_nothing(browser: Chrome, start: Callable[..., Running]) -> None:
    page = Page(browser, start(HOSTILE_TEXTS).address)
    page.choose("all")
    groups = page.until(page.rows)
    seen = ""
    for _ in range(len(groups)):
        page.until(lambda: page.browser.execute_script("return Boolean(document.querySelector('#d-examples li'))"))
        seen += page.text("detail")
        page.keys("j")
    assert "onerror=document.title" in seen
    assert "U+202E" in seen
    page.keys("t")
    browser.find_element(By.ID, "try-text").send_keys(HOSTILE + " Teh page")
    page.until(lambda: "The page" in page.text("try-result"))
    for name in ("try-shown", "try-result", "detail", "list"):
        assert browser.find_elements(By.CSS_SELECTOR, f"#{name} script, #{name} img, #{name} svg") == []
    assert "owned" not in browser.title
    assert browser.execute_script("return window.owned") is None
    assert complaints(browser) == []


def test_ten_thousand_groups(browser: Chrome, start: Callable[..., Running]) -> None:
    texts = [" ".join(f"&#{code};" for code in range(first, first + 1000)) for first in range(0x4E00, 0x4E00 + 10_000, 1000)]
    page = Page(browser, start([*texts, "We recieve it."]).address)
    assert page.text("n-all") == "10,001"
    page.choose("all")
    page.until(lambda: len(page.rows()) > 5)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".row")) < 60
    last = browser.execute_script("return document.querySelector('#list').scrollHeight / 52")
    assert last == 10_001
    # To the end in steps of a wheel: each frame is drawn in time, and shows what stands there.
    slowest = browser.execute_async_script(
        """
        const [done, list] = [arguments[0], document.querySelector("#list")];
        let slowest = 0;
        function step() {
          const started = performance.now();
          list.scrollTop += 20000;
          requestAnimationFrame(() => requestAnimationFrame(() => {
            slowest = Math.max(slowest, performance.now() - started);
            if (list.scrollTop + list.clientHeight < list.scrollHeight - 1) step(); else done(slowest);
          }));
        }
        step();
        """
    )
    assert slowest < 500
    numbers = browser.execute_script("return [...document.querySelectorAll('.row:not([hidden])')].map(r => r.item.number)")
    assert max(numbers) == 10_000
    page.keys(Keys.HOME, Keys.END)
    page.until(
        lambda: browser.execute_script("return document.querySelector('[aria-selected=true]')?.dataset.position") == "10000"
    )
    assert len(browser.find_elements(By.CSS_SELECTOR, ".row")) < 60
    page.find("recieve")
    page.keys("a")
    page.is_saved()
    assert page.text("progress-done") == "1"


def test_a_list_that_somebody_else_changed_is_shown_as_it_is(browser: Chrome, start: Callable[..., Running]) -> None:
    running = start(TEXTS)
    page = Page(browser, running.address)
    running.domain.write_text(running.domain.read_text() + "mine\nrecieve\n")
    page.find("fkag")
    page.keys("a")
    page.until(lambda: "somebody else" in page.text("alert"))
    page.until(lambda: page.text("progress-done") == "1")
    page.find("fkag")
    page.keys("a")
    page.until(lambda: page.text("progress-done") == "2")
    assert "\nmine\n" in running.domain.read_text()
    browser.get_log("browser")  # it has the refusal


def test_the_page_says_when_the_review_has_ended(browser: Chrome, start: Callable[..., Running]) -> None:
    running = start(TEXTS)
    page = Page(browser, running.address)
    assert running.end(signal.SIGTERM)[0] == 0
    page.keys("a")
    page.until(lambda: "has ended" in page.text("alert"))
    browser.get_log("browser")


def test_a_narrow_dark_page_has_all_in_sight(browser: Chrome, start: Callable[..., Running]) -> None:
    page = Page(browser, start(TEXTS).address)
    try:
        for width, height, scheme in ((1280, 720, "dark"), (700, 900, "light")):
            browser.execute_cdp_cmd(
                "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            )
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            page.reload()
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
            assert browser.execute_script("return document.documentElement.scrollHeight") <= height
            assert page.rows()
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["corpus.jsonl"], "Missing argument"),
        (["corpus.jsonl", "corpus.jsonl"], "name the list of words first"),
        (["domain.tsv", "nothing.jsonl"], "nothing.jsonl"),
        (["no/folder/domain.tsv", "corpus.jsonl"], "there is no folder"),
        (["wrong.tsv", "corpus.jsonl"], "wrong.tsv:1"),
    ],
)
def test_what_cannot_be_reviewed(tmp_path: Path, args: list[str], said: str) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"text": "Teh page"}\n')
    (tmp_path / "wrong.tsv").write_text("a\tb\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "vnlp_prep", "review", "--no-browser", *args]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus.jsonl", "wrong.tsv"]


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(\"No module named 'uvicorn'\", name='uvicorn')\n")
    (tmp_path / "corpus.jsonl").write_text('{"text": "Teh page"}\n')
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "vnlp_prep", "review", "domain.tsv", "corpus.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert 'pip install "vnlp-prep[review]"' in done.stderr
    assert not (tmp_path / "domain.tsv").exists()
