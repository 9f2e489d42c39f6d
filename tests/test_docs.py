"""The documentation says what is true: its examples run, its links lead somewhere, its tables name what there is."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vnlp_prep.stages import STAGES
from vnlp_prep.words import lines, tokens

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS, ROOT / "data" / "README.md", ROOT / "CHANGELOG.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What examples on the command line may call beside the two programs of the project.
TOOLS = {"cat", "cmp", "diff", "grep", "head", "ls", "mkdir", "printf", "sed", "tail", "wc"}
CONFIDENCE = re.compile(r" [01]\.\d\d at ")  # fitted anew from time to time
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Line number and text of every fenced block of ``language``."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(2)), m[2]) for m in BLOCK.finditer(text) if m[1] == language]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_examples_are_true(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    names: dict[str, object] = {}
    for line, block in blocks(page, "python"):
        assert ">>>" in block, f"{name(page)}:{line + 1}: an example that cannot be checked"
        test = doctest.DocTestParser().get_doctest(block, names, name(page), name(page), line)
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append, clear_globs=False)
        names = test.globs
    assert not report, "".join(report)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "console")], ids=name)
def test_command_lines_print_what_is_shown(page: Path, tmp_path: Path) -> None:
    """Each page is one session in a folder that has the sample and the page's own data; what is shown is standard output."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for program, module in (("vnlp-prep", "vnlp_prep"), ("vinilm", "vinilm")):
        script = programs / program
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        script.chmod(0o755)
    folder = tmp_path / "here"
    folder.mkdir()
    for file in (ROOT / "data" / "sample.jsonl", *page.parent.glob("*.jsonl")):
        shutil.copy(file, folder)
    environment = {
        **os.environ,
        "LC_ALL": "C.UTF-8",
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    for line, block in blocks(page, "console"):
        for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = session.partition("\n")
            called = re.split(r"[ \n]", command, maxsplit=1)[0]
            assert called in {"vnlp-prep", "vinilm", *TOOLS}, f"{name(page)}:{line + 1}: a command that cannot be checked"
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
            )
            printed, shown = (CONFIDENCE.sub(" ? at ", text).rstrip() for text in (done.stdout, shown))
            assert printed == shown, f"{name(page)}:{line + 1}: {command}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text(encoding="utf-8")))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), f"{name(page)} links to {target}"
        assert not anchor or anchor in anchors(file), f"{name(page)} links to {target}"


def test_every_page_is_linked_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert {p.relative_to(ROOT / "docs").as_posix() for p in DOCS} - {"index.md"} <= set(LINK.findall(index))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_page_ends_with_what_it_will_not_touch(stage: str) -> None:
    text = (ROOT / "docs" / f"{stage}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[-1] == "What it will not touch"


@pytest.mark.parametrize("stage", ["repeats", "compounds", "spelling"])
def test_a_stage_page_names_every_rule(stage: str) -> None:
    package = ROOT / "vnlp_prep"
    source = (package / "stages" / f"{stage}.py").read_text(encoding="utf-8")
    source += (package / "lexicon" / "correction.py").read_text(encoding="utf-8")
    rules = {
        "repeats": ("elongation", "punctuation", "ruler"),
        "compounds": ("run-together",),
        "spelling": (
            *("lexicon", "known-misspelling", "swapped-letters"),
            *("extra-letter", "missing-letter", "wrong-letter", "several-slips"),
        ),
    }[stage]
    text = (ROOT / "docs" / f"{stage}.md").read_text(encoding="utf-8")
    for rule in rules:
        assert f'"{rule}"' in source
        assert f"| `{rule}` |" in text


def rows(section: str) -> dict[str, list[str]]:
    """First cell -> code spans of the second, of the table in a section of protection.md."""
    text = (ROOT / "docs" / "protection.md").read_text(encoding="utf-8").split(f"## {section}")[1].split("\n## ")[0]
    cells = re.findall(r"^\| `([a-z0-9 ]+)` \| (.*) \|$", text, re.MULTILINE)
    return {kind: re.findall(r"`([^`]+)`", examples) for kind, examples in cells}


def test_every_kind_of_protected_token_has_a_true_example() -> None:
    table = rows("1.")
    assert {kind for kind, _ in tokens._KINDS} | {"other", "data"} == set(table)
    for kind, examples in table.items():
        assert examples or kind == "data"
        assert {tokens.token_kind(e) for e in examples} <= {kind}
    assert tokens.token_kind("x" * 401) == "data"


def test_every_kind_of_line_has_a_true_example() -> None:
    table = rows("3.")
    assert {kind for kind, _ in lines._LINES} == set(table)
    for kind, (example,) in table.items():
        assert lines.line_kind(example) == kind


def test_every_file_of_data_has_its_source() -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    files = [*(ROOT / "data" / "lexicon").glob("*"), *(ROOT / "data").glob("*.*")]
    for file in files:
        assert f"`{file.relative_to(ROOT / 'data').as_posix()}`" in text or file.name in ("README.md", "__init__.py")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_tells_of_somebodys_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/(?:work|tmp|root|home)/", text)
