"""``vnlp-prep explain`` as a user has it: what is printed, for which terminal, and for which argument."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import wcwidth
import zstandard

from vnlp_prep.cli import _status

COMMAND = [sys.executable, "-m", "vnlp_prep", "explain"]
TEXT = "Teh vSphere client&#39;s log is sooooo slow!!!!!"
STACKED = "[-Teh-]{+The+} vSphere"
SGR = re.compile(r"\x1b\[[0-9;:]*m")
RECORDS = [
    {"text": "fine"},
    {"text": "I recieve it", "title": "Teh log", "meta": {"note": "sooooo"}, "n": 4},
    {"title": None},
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "TERM_PROGRAM", "VTE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "kb.jsonl").write_text("".join(json.dumps(r) + "\n" for r in RECORDS) + "\n{bad\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def explain(capsys):
    def run(*args, status=0):
        assert _status(["explain", *args]) == status
        done = capsys.readouterr()
        if status:
            assert done.out == ""
            assert done.err.startswith("vnlp-prep: error: ")
            assert done.err.count("\n") == 1
            return done.err
        return done.out

    return run


def piped(*args, stdin=b""):
    return subprocess.run([*COMMAND, *args], input=stdin, capture_output=True, timeout=60, check=False)


def on_a_terminal(*args, columns=120):
    """What the command writes to a real terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen([*COMMAND, *args], stdin=theirs, stdout=theirs, stderr=theirs, env={"TERM": "xterm", **os.environ})
    os.close(theirs)
    out = b""
    try:
        while block := os.read(ours, 65536):
            out += block
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0, out
    return out.decode().replace("\r\n", "\n")


# The text, and where it comes from


def test_every_edit_is_shown(explain):
    out = explain(TEXT)
    assert "\x1b" not in out
    assert '"&#39;" -> "\'"' in out
    assert STACKED in out
    assert out.endswith("result\n  The vSphere client's log is so slow!\n")


def test_standard_input_and_some_stages():
    done = piped("--stages", "html", "-", stdin=b"Teh &amp; x\n")
    assert done.stdout.endswith(b"result\n  Teh & x\n")
    done = piped("-", stdin=b"\xff")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"not UTF-8" in done.stderr


def test_several_arguments_are_one_text(explain):
    assert explain("teh", "log").endswith("the log\n")
    assert "unchanged" in explain("fine")


def test_as_json(explain):
    entry = json.loads(explain("--json", "--show-protected", TEXT + " https://x.y/teh"))
    assert list(entry) == ["raw", "text", "edits", "suggestions", "protected", "steps"]
    assert entry["text"] == "The vSphere client's log is so slow! https://x.y/teh"
    stages = [step["stage"] for step in entry["steps"]]
    assert list(dict.fromkeys(stages)) == ["html", "unicode", "repeats", "compounds", "spelling"]
    for edit in entry["edits"]:
        assert entry["raw"][edit["start"] : edit["end"]] == edit["before"]
    assert "https://x.y/teh" in [span["text"] for span in entry["protected"]]
    assert "protected" not in json.loads(explain("--json", "x"))


# A line of a file


def test_a_line_of_a_file(explain):
    assert "[-recieve-]{+receive+}" in explain("kb.jsonl:2")
    assert explain("kb.jsonl:2", "--field", "meta.note").endswith("  so\n")


def test_places_as_other_tools_write_them(explain):
    for place in ("kb.jsonl:2:title", "kb.jsonl:2:title:1", "kb.jsonl:2:title:1:"):
        assert explain(place).endswith("  The log\n")
    assert "receive" in explain("kb.jsonl:2:3")


def test_several_fields(explain):
    out = explain("kb.jsonl:2", "--field", "title", "--field", "text")
    assert out.startswith("kb.jsonl:2:title\nhtml")
    assert "\n\nkb.jsonl:2:text\nhtml" in out
    entries = json.loads(explain("--json", "kb.jsonl:2", "--field", "title", "--field", "text"))
    assert [(e["file"], e["line"], e["field"], e["text"]) for e in entries] == [
        ("kb.jsonl", 2, "title", "The log"),
        ("kb.jsonl", 2, "text", "I receive it"),
    ]
    assert json.loads(explain("--json", "kb.jsonl:2"))["field"] == "text"


def test_packed_files_text_and_parquet(folder, explain):
    data = (folder / "kb.jsonl").read_bytes()
    (folder / "kb.jsonl.gz").write_bytes(gzip.compress(data))
    (folder / "kb.jsonl.zst").write_bytes(zstandard.compress(data))
    (folder / "a.txt").write_bytes(b"fine\nteh log\n")
    (folder / "notes").write_bytes(b"The caf\xe9 has teh log of it\n")
    for name in ("kb.jsonl.gz:2", "kb.jsonl.zst:2"):
        assert "receive" in explain(name)
    assert "the log" in explain("a.txt:2")
    assert "the log" in explain("a.txt:2:1")
    assert "The café has the log" in explain("notes:1", "--format", "text", "--encoding", "windows-1252")
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": ["x"] * 300 + ["teh log"]}), folder / "a.parquet")
    assert "the log" in explain("a.parquet:301")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["kb.jsonl:9"], "kb.jsonl:9: the file has not so many lines"),
        (["kb.jsonl:0"], "kb.jsonl:0: lines are counted from 1"),
        (["kb.jsonl:4"], "kb.jsonl:4: the line is blank"),
        (["kb.jsonl:5"], "kb.jsonl:5: "),
        (["kb.jsonl:3"], "kb.jsonl:3: no field 'text'"),
        (["kb.jsonl:3:title"], "kb.jsonl:3: the field 'title' is null"),
        (["kb.jsonl:2", "--field", "n"], "kb.jsonl:2: the field 'n' is a number, not a string"),
        (["notes:1"], "notes: the name does not tell the format"),
    ],
)
def test_errors_name_file_line_and_field(folder, explain, args, says):
    (folder / "notes").write_bytes(b"x\n")
    assert says in explain(*args, status=2)


def test_a_text_with_a_colon_stays_a_text(explain, capsys):
    for text in ("note: 12", "at 10:30", "localhost:8080", "kb.jsonl: 2", "kb.jsonl:x", ":1", "a\0b:1", "x" * 5000 + ":1"):
        explain(text)
    assert _status(["explain", "kbb.jsonl:2"]) == 0
    done = capsys.readouterr()
    assert done.out.endswith("  kbb.jsonl:2\n")
    assert done.err == "vnlp-prep: there is no file kbb.jsonl; this is explained as a text\n"


# Colour and layout


def test_a_pipe_has_one_column_and_no_colour():
    out = piped(TEXT).stdout.decode()
    assert STACKED in out
    assert "\x1b" not in out


def test_a_wide_terminal_has_two_columns(monkeypatch):
    out = on_a_terminal(TEXT)
    assert "\x1b[31;9mTeh\x1b[0m" in out
    plain = SGR.sub("", out)
    assert "before" in plain.split("\n")[0]
    assert re.search(r"^Teh vSphere client's log is so slow! +│ The vSphere client's log is so slow!$", plain, re.MULTILINE)
    assert max(map(wcwidth.wcswidth, plain.split("\n"))) == 120
    monkeypatch.setenv("NO_COLOR", "1")
    out = on_a_terminal(TEXT)
    assert "\x1b" not in out
    assert re.search(r"^\[-Teh-\] vSphere .* │ \{\+The\+\} vSphere", out, re.MULTILINE)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b" not in on_a_terminal(TEXT)


def test_a_narrow_terminal_has_one_column():
    out = on_a_terminal(TEXT, columns=79)
    assert "before" not in out
    assert "\x1b[31;9mTeh\x1b[0m\x1b[32mThe\x1b[0m" in out


def test_colour_as_the_environment_asks(explain, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = explain(TEXT)
    assert "\x1b[31;9mTeh\x1b[0m\x1b[32mThe\x1b[0m" in out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in explain(TEXT)


def test_what_is_protected_is_dim(explain, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for layout in ("stacked", "columns"):
        assert "\x1b[2mhttps://x.y/teh\x1b[0m" in explain("--layout", layout, "See teh page https://x.y/teh")
    assert "\nhttps://x.y/teh  url\n" not in explain("See https://x.y/teh")
    assert "  https://x.y/teh  \x1b[2murl\x1b[0m\n" in explain("--show-protected", "--layout", "columns", "See https://x.y/teh")


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"TERM": "xterm-256color"}, "33;4m"),
        ({"TERM": "xterm-kitty"}, "33;4:4m"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7200"}, "33;4:4m"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "5102"}, "33;4m"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "33;4:4m"),
    ],
)
def test_suggestions_are_underlined_with_dots_where_a_terminal_can(explain, monkeypatch, environment, code):
    for name, value in {"FORCE_COLOR": "1", **environment}.items():
        monkeypatch.setenv(name, value)
    for layout in ("stacked", "columns"):
        out = explain("--layout", layout, "The fkag is set")
        assert f"The \x1b[{code}fkag\x1b[0m is set" in out
        assert re.search(r"wrong-letter +0\.\d\d +at 4", SGR.sub("", out))


@pytest.mark.parametrize("width", [80, 81, 101, 160, 300])
def test_no_row_is_wider_than_the_terminal_and_the_bar_is_straight(explain, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    text = (
        "日本語の文 teh ｗｉｄｅ letters, e\u0301 and 👩‍💻 sooooo!!!!! <br>" * 4 + "x" * 300 + "\n" + "&amp;" * 90 + "\nteh end"
    )
    for colour in ("", "1"):
        monkeypatch.setenv("FORCE_COLOR", colour)
        lines = [SGR.sub("", line) for line in explain("--layout", "columns", text).split("\n")]
        assert max(map(wcwidth.wcswidth, lines)) <= min(width, 200)
        bars = {wcwidth.wcswidth(line[: line.index(bar)]) for line in lines for bar in "│┬┴" if bar in line}
        assert bars == {(min(width, 200) - 3) // 2 + 1}


def test_of_a_long_text_only_what_is_near_an_edit_is_shown_in_columns(explain, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = "\n".join(["nothing here"] * 50 + ["teh log " + "of a long line " * 40 + "is heer"] + ["nothing here"] * 20)
    out = explain("--layout", "columns", text)
    before, result = out.split("result ─")
    assert "⋮ 49 lines" in before
    assert "⋮ 19 lines" in before
    assert " … " in before
    assert before.count("of a long line") < 24
    assert result.count("nothing here") == 70


def test_equal_edits_stand_on_one_line_of_the_table(explain):
    out = explain("--layout", "columns", "a<br>" * 6)
    assert re.search(r'"<br>" → "\\n" +block  1\.00  at 1, 6, 11, 16, …  5 times', out)


def test_what_is_not_changed_is_short(explain):
    out = explain("--layout", "columns", "fine")
    assert out.split("\n")[0] == "html, unicode, repeats, compounds, spelling  nothing"
    assert out.endswith("─\nfine\n")


@pytest.mark.parametrize("layout", ["columns", "stacked"])
def test_controls_never_reach_the_terminal(explain, layout):
    out = explain("--layout", layout, "--stages", "html", "--show-protected", "a\x1b[2Jb\u202e&amp;\x1b]0;x\x07 <b>\x9b</b>")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
