"""``vnlp-prep check`` as a user has it: a process of its own, files of all kinds, bad ones too."""

from __future__ import annotations

import gzip
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-m", "vnlp_prep", "check"]
TEXT = "# Teh title\n\nWe recieve it.\n"
FIXED = "# The title\n\nWe receive it.\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def check(*args, stdin=b"", **options):
    return subprocess.run([*COMMAND, *args], input=stdin, capture_output=True, timeout=60, check=False, **options)


def test_findings_then_a_fix_then_nothing(folder):
    (folder / "a.md").write_text(TEXT)
    (folder / "a.md").chmod(0o640)
    done = check("a.md", "--format", "concise")
    assert done.returncode == 1
    assert done.stdout.decode() == (
        'a.md:1:3: spelling/known-misspelling "Teh" -> "The"\na.md:3:4: spelling/known-misspelling "recieve" -> "receive"\n'
    )
    assert done.stderr.decode() == "2 findings in 1 of 1 file\n"
    done = check("--fix", "a.md")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode() == "2 edits made; nothing found in 1 file\n"
    assert (folder / "a.md").read_text() == FIXED
    assert stat.S_IMODE((folder / "a.md").stat().st_mode) == 0o640
    assert [path.name for path in folder.iterdir()] == ["a.md"]
    before = (folder / "a.md").stat().st_mtime_ns
    assert check("--fix", "a.md", "--quiet").stderr == b""
    assert (folder / "a.md").stat().st_mtime_ns == before


def test_what_is_not_sure_is_only_told_of(folder):
    (folder / "a.txt").write_text("The fkag is set\n")
    done = check("a.txt")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"1 suggestion not sure enough to count" in done.stderr
    assert check("a.txt", "--fix").returncode == 0
    assert (folder / "a.txt").read_text() == "The fkag is set\n"
    assert check("a.txt", "--unsafe").returncode == 1
    assert check("a.txt", "--unsafe", "--diff").stdout.endswith(b"-The fkag is set\n+The flag is set\n")
    assert check("a.txt", "--unsafe", "--fix").returncode == 0
    assert (folder / "a.txt").read_text() == "The flag is set\n"


def test_standard_input():
    done = check("-", "--stdin-filename", "docs/a.md", "--format", "concise", stdin=TEXT.encode())
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, b'docs/a.md:1:3: spelling/known-misspelling "Teh" -> "The"')
    done = check("-", "--format", "json", stdin=b'{"text": "teh log"}\n')
    assert json.loads(done.stdout)["file"] == "stdin"
    done = check("-", "--diff", "--input-format", "text", stdin=b"Teh log")
    assert done.stdout == (
        b"--- a/stdin\n+++ b/stdin\n@@ -1 +1 @@\n-Teh log\n\\ No newline at end of file\n+The log\n\\ No newline at end of file\n"
    )
    assert check("-", "--stdin-filename", "docs/a.md", "--exclude", "docs", stdin=TEXT.encode()).returncode == 0
    assert check("-", "--fix", stdin=b"").returncode == 2
    assert check("-", "-", stdin=b"").returncode == 0  # each file is checked once


def test_archives(folder):
    line = b'{"text": "teh log", "n": 0.10}\n'
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(line) + gzip.compress(line))
    assert b"2 findings" in check("a.jsonl.gz").stderr
    assert check("a.jsonl.gz", "--fix").returncode == 0
    assert gzip.decompress((folder / "a.jsonl.gz").read_bytes()) == line.replace(b"teh", b"the") * 2
    whole = gzip.compress(line * 1000)
    (folder / "a.jsonl.gz").write_bytes(whole[:-12])
    done = check("a.jsonl.gz", "--fix", "-q")
    assert done.returncode == 2
    assert b"the archive ends too early" in done.stderr
    assert (folder / "a.jsonl.gz").read_bytes() == whole[:-12]


def test_folders_and_patterns(folder):
    (folder / "docs" / ".hidden").mkdir(parents=True)
    for name in ("docs/a.md", "docs/b.rst", "docs/c.py", "docs/d.json", "docs/.hidden/e.md", "docs/f.parquet"):
        (folder / name).write_text(TEXT)
    done = check("docs", "docs/a.md", "--format", "json", "-q")
    assert {json.loads(line)["file"] for line in done.stdout.splitlines()} == {"docs/a.md", "docs/b.rst"}
    assert check("docs/*.rst", "-q").returncode == 1
    assert b"the name does not tell the format" in check("docs/c.py").stderr
    assert check("docs/c.py", "--input-format", "text", "-q").returncode == 1
    assert b"tables are not checked" in check("docs/f.parquet").stderr


def test_one_bad_file_does_not_keep_the_others_from_being_checked(folder):
    (folder / "a.md").write_text(TEXT)
    done = check("none.md", "a.md", "--format", "concise")
    assert done.returncode == 2
    assert done.stdout.count(b"\n") == 2
    assert done.stderr.startswith(b"vnlp-prep: error: none.md: no such file\n")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b'{"text": "caf\xe9"}', "invalid-utf-8"),
        (b'{"text": "a", "text": "b"}', "duplicate-key"),
        (b'{"text": "\\ud800"}', "lone-surrogate"),
        (b"[1]", "not-an-object"),
        (b'{"text": NaN}', "not-a-number"),
        (b'{"text": "a\0"}', "nul-byte"),
        (b"[" * 100_000, "too-deep"),
        (b'{"text": null}', "field-null"),
    ],
)
def test_bad_lines_are_findings_and_stay(folder, line, rule):
    data = b'{"text": "teh log"}\n' + line + b'\n\n{"text": "teh log"}'
    (folder / "a.jsonl").write_bytes(data)
    done = check("a.jsonl", "--fix", "--on-missing", "reject", "--format", "json")
    assert done.returncode == 1
    (finding,) = map(json.loads, done.stdout.splitlines())
    assert (finding["line"], finding["stage"], finding["rule"], finding["safe"]) == (2, "input", rule, False)
    assert finding["message"]
    assert (folder / "a.jsonl").read_bytes() == data.replace(b"teh", b"the")


def test_records_without_the_field(folder):
    (folder / "a.jsonl").write_text('{"text": "a log"}\n{"body": "teh"}\n')
    assert check("a.jsonl").returncode == 0
    assert b"field-missing" in check("a.jsonl", "--on-missing", "reject").stdout
    done = check("a.jsonl", "--field", "txt")
    assert done.returncode == 2
    assert b"none of 2 records has the field 'txt'; name the field with --field" in done.stderr


def test_other_encodings(folder):
    (folder / "a.txt").write_bytes("Teh log of the host – here\n".encode("utf-16"))
    (folder / "b.txt").write_bytes(b"Teh log of the host \x96 here\n")
    assert b"is UTF-16" in check("a.txt").stderr
    assert check("a.txt", "--encoding", "utf-16", "--format", "concise").stdout.startswith(b"a.txt:1:1:")
    assert b"input/invalid-utf-8" in check("b.txt").stdout
    assert b'"Teh"' in check("b.txt", "--encoding", "windows-1252", "--format", "concise").stdout
    before = (folder / "b.txt").read_bytes()
    done = check("b.txt", "--encoding", "windows-1252", "--fix")
    assert done.returncode == 2
    assert b"is not UTF-8, and a fix writes nothing else" in done.stderr
    assert (folder / "b.txt").read_bytes() == before


def test_a_link_is_not_written_through(folder):
    (folder / "real.md").write_text(TEXT)
    (folder / "a.md").symlink_to("real.md")
    assert b"is a symbolic link" in check("a.md", "--fix").stderr
    assert (folder / "real.md").read_text() == TEXT


def test_line_ends_and_byte_order_marks_stay(folder):
    data = "\ufeffTeh log\r\nof teh host\n\r\nno end: teh".encode()
    (folder / "a.txt").write_bytes(data)
    assert check("a.txt", "--fix").returncode == 0
    assert (folder / "a.txt").read_bytes() == data.replace(b"teh", b"the").replace(b"Teh", b"The")


def test_max_and_statistics(folder):
    (folder / "a.md").write_text("Teh log.\n\n" * 5 + "sooooo slow\n")
    done = check("a.md", "--max", "2", "--format", "concise")
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 2)
    assert b"6 findings in 1 of 1 file\n2 of them shown (--max)" in done.stderr
    done = check("a.md", "--statistics")
    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.decode().splitlines()] == [
        ["5", "spelling/known-misspelling"], ["1", "repeats/elongation"],
    ]  # fmt: skip
    counts = [json.loads(line) for line in check("a.md", "--statistics", "--format", "json").stdout.splitlines()]
    assert counts[0] == {"rule": "spelling/known-misspelling", "safe": True, "count": 5}


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["a.md", "--fix", "--diff"],
        ["a.md", "--fix", "--baseline", "b.json"],
        ["a.md", "--update-baseline"],
        ["a.md", "--diff", "--format", "json"],
        ["a.md", "--diff", "--max", "3"],
        ["a.md", "--statistics", "--format", "sarif"],
        ["a.md", "--format", "xml"],
    ],
)
def test_what_says_nothing_together_is_an_error(folder, args):
    (folder / "a.md").write_text(TEXT)
    done = check(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1


def test_control_characters_are_shown_and_not_sent(folder):
    (folder / "a\x1b[31m.txt").write_text("Teh \x1b[31mred\x1b[0m log\n")
    for format in ("long", "concise", "github", "json", "sarif"):
        assert b"\x1b" not in check("a\x1b[31m.txt", "--format", format).stdout


def test_colour(folder):
    (folder / "a.md").write_text(TEXT)
    assert b"\x1b[" not in check("a.md").stdout
    assert b"\x1b[31;1mTeh\x1b[0m" in check("a.md", env={**os.environ, "FORCE_COLOR": "1"}).stdout


def test_a_reader_that_goes_away(folder):
    (folder / "a.md").write_text("Teh log.\n\n" * 30_000)
    process = subprocess.Popen([*COMMAND, "a.md"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141
    process.stderr.close()


def test_it_loads_little(folder):
    (folder / "a.md").write_text(TEXT)
    code = (
        "import sys; from vnlp_prep import cli; cli._status(['check', 'a.md', '-q']); "
        "print(sorted({'torch', 'transformers', 'pyarrow', 'rich.console', 'pandas', 'regex'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("text", ["a" * 1_000_000, "<" * 300_000, "teh " * 100_000, "`" * 200_000, "Teh.\n\n" * 30_000])
def test_large_and_odd_texts_take_linear_time(folder, text):
    (folder / "a.md").write_text(text)
    began = time.monotonic()
    done = check("a.md", "--statistics")
    assert done.returncode in (0, 1)
    assert time.monotonic() - began < 40
