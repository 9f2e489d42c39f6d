"""Folders of text become documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vinilm.recipes.collect import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "kb/net/dns.md": "Intro\n\n## Names ##\n\ntext\n",
        "kb/net/old/dns.md": "# Old\n",
        "kb/vm.adoc": "= Machines\n\ntext\n",
        "kb/page.html": "<h1>Page</h1>\n",
        "kb/blank.txt": " \n\n",
        "kb/.hidden.md": "# Hidden\n",
        "kb/data.csv": "a,b\n",
    }.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    return tmp_path


def collect(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(args)
    return ended.value.code


def test_each_file_is_a_document(capfd):
    args = ["kb", "kb/vm.adoc", "-o", "d.jsonl", "--leave-out", "*/old/*", "--label", "net=kb/net/*", "--label", "all=kb/*.*"]
    assert collect(*args) == 0
    assert capfd.readouterr().err == "d.jsonl: 3 documents\n"
    assert [json.loads(line) for line in Path("d.jsonl").read_bytes().splitlines()] == [
        {"id": "kb/page.html", "title": "page", "format": "html", "product": "all", "text": "<h1>Page</h1>\n"},
        {"id": "kb/vm.adoc", "title": "Machines", "format": "adoc", "product": "all", "text": "= Machines\n\ntext\n"},
        {"id": "kb/net/dns.md", "title": "Names", "format": "md", "product": "net", "text": "Intro\n\n## Names ##\n\ntext\n"},
    ]
    assert not list(Path().glob(".d.jsonl*"))


def test_what_cannot_be_read_is_rejected(capfd):
    Path("kb/bad.md").write_bytes(b"a caf\xe9\n")
    assert collect("kb/*.md", "kb/vm.adoc", "-o", "d.jsonl") == 1
    assert capfd.readouterr().err == "d.jsonl: 1 document, 1 rejected\n"
    [reject] = [json.loads(line) for line in Path("d.jsonl.rejects.jsonl").read_bytes().splitlines()]
    assert (reject["file"], reject["reason"]) == ("kb/bad.md", "invalid-utf-8")
    assert collect("kb/*.md", "-o", "d.jsonl", "--encoding", "windows-1252", "-q") == 0
    assert json.loads(Path("d.jsonl").read_bytes())["text"] == "a café\n"
    assert not Path("d.jsonl.rejects.jsonl").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["kb/data.csv", "-o", "d.jsonl"], "kb/data.csv: its name does not tell what it is (.md, "),
        (["kb/blank.txt", "-o", "d.jsonl"], "kb/blank.txt: no text in 1 file"),
        (["nowhere.md", "-o", "d.jsonl"], "nowhere.md: no such file"),
        (["kb", "-o", "no/d.jsonl"], "no/d.jsonl: there is no folder no; make it first"),
        (["kb", "-o", "kb/vm.adoc"], "kb/vm.adoc: would replace an input"),
        (["kb", "-o", "d.jsonl", "--label", "net"], "--label 'net': it is LABEL=PATTERN"),
        (["kb"], "Missing option '-o'"),
        (["kb", "-o", "d.jsonl", "--nothing"], "No such option '--nothing'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(args, message, capfd, folder):
    before = sorted(folder.rglob("*"))
    assert collect(*args) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert message in said
    assert sorted(folder.rglob("*")) == before
