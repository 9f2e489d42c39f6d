"""``vnlp-prep learn`` as a user has it: a process of its own, real files of each format, and what may be wrong with them."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.files import read_terms

COMMAND = [sys.executable, "-m", "vnlp_prep"]
TEXTS = [
    *[f"The zorkmid talks to the frobnicator of node {i}. The frobnicator is restarted by the frobnicator." for i in range(30)],
    *["The frobnictaor is restarted."] * 4,
    *["Open the data shore and the datashore."] * 6,
    *["We recieve it &amp; restart it."] * 5,
]
RECORDS = "".join(json.dumps({"id": i, "text": text, "team": f"t{i % 3}"}) + "\n" for i, text in enumerate(TEXTS)).encode()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parent.parent))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "c.jsonl").write_bytes(RECORDS)
    return tmp_path


def learn(*args, stdin=b"", status=0):
    done = subprocess.run([*COMMAND, "learn", *args], input=stdin, capture_output=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done


def terms(path="d.tsv"):
    return {t.term for t in read_terms(Path(path))}


def test_a_lexicon_is_learnt_shown_and_used(folder):
    shown = learn("c.jsonl", "-o", "d.tsv").stderr.decode()
    assert {"zorkmid", "frobnicator", "datashore"} <= terms()
    assert not {"frobnictaor", "recieve"} & {t.lower() for t in terms()}
    assert "45 documents" in shown
    assert "frobnictaor              frobnicator: one slip from frobnicator" in shown
    assert "recieve                  receive: a known misspelling of receive" in shown
    assert "datashore                data shore 6" in shown
    assert "\x1b" not in shown
    prep = Preprocessor(lexicon="d.tsv")
    assert prep("The frobnicator of the zorkmid and its datashore") == "The frobnicator of the zorkmid and its datashore"
    assert "frobnictaor" not in Lexicon.load("d.tsv")
    assert Lexicon.load("d.tsv").suggest("frobnictaor")[0].term == "frobnicator"


def test_again_gives_the_same_file_with_any_number_of_workers(folder):
    learn("c.jsonl", "-o", "d.tsv", "--source-field", "team")
    first = (folder / "d.tsv").read_bytes()
    learn("c.jsonl", "-o", "d.tsv", "--source-field", "team")
    assert (folder / "d.tsv").read_bytes() == first
    (folder / "big.jsonl").write_bytes(RECORDS * 5)
    learn("big.jsonl", "-o", "one.tsv", "--source-field", "team")
    learn("big.jsonl", "-o", "two.tsv", "--source-field", "team", "--workers", "2")
    assert (folder / "one.tsv").read_bytes() == (folder / "two.tsv").read_bytes()


def test_the_lexicon_that_is_written_is_not_known_before(folder):
    learn("c.jsonl", "-o", "d.tsv")
    first = (folder / "d.tsv").read_bytes()
    (folder / "pyproject.toml").write_text('[tool.vnlp-prep]\nlexicon = "d.tsv"\n')
    learn("c.jsonl", "-o", "d.tsv")
    assert (folder / "d.tsv").read_bytes() == first
    (folder / "known.tsv").write_text("frobnicator\n")
    learn("c.jsonl", "-o", "e.tsv", "--lexicon", "known.tsv")
    assert "frobnicator\t90\t30\t\tknown" in (folder / "e.tsv").read_text()


def test_a_persons_edits_stay(folder):
    learn("c.jsonl", "-o", "d.tsv")
    text = (folder / "d.tsv").read_text()
    assert text.count("zorkmid\t30\t30\t\tterm") == 1
    (folder / "d.tsv").write_text(text.replace("zorkmid\t30\t30\t\tterm", "zorkmid\t30\t30\t\treject") + "# ours\nGizmoid\n")
    shown = learn("c.jsonl", "-o", "d.tsv").stderr.decode()
    assert "2 of yours" in shown
    assert "zorkmid" not in terms()
    assert "Gizmoid" in terms()
    assert "# ours" in (folder / "d.tsv").read_text()


@pytest.mark.parametrize("kind", ["jsonl", "gz", "zst", "txt", "whole", "parquet", "stdin"])
def test_every_format_gives_the_same(folder, kind):
    learn("c.jsonl", "-o", "expected.tsv")
    args, stdin = ["in"], b""
    if kind == "jsonl":
        (folder / "a.jsonl").write_bytes(RECORDS[: RECORDS.index(b'{"id": 9')])
        (folder / "b.jsonl").write_bytes(RECORDS[RECORDS.index(b'{"id": 9') :])
        args = ["a.jsonl", "b.jsonl"]
    elif kind == "gz":
        (folder / "in.jsonl.gz").write_bytes(gzip.compress(RECORDS))
        args = ["in.jsonl.gz"]
    elif kind == "zst":
        (folder / "in.jsonl.zst").write_bytes(zstandard.compress(RECORDS))
        args = ["in.jsonl.zst"]
    elif kind == "txt":
        (folder / "in.txt").write_text("\n\n".join(TEXTS))
        args = ["in.txt"]
    elif kind == "whole":
        for i, text in enumerate(TEXTS):
            (folder / f"{i:02}.txt").write_text(text)
        args = [*[f"{i:02}.txt" for i in range(len(TEXTS))], "--whole-file"]
    elif kind == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        import pyarrow

        parquet.write_table(pyarrow.Table.from_pylist([json.loads(r) for r in RECORDS.splitlines()]), "in.parquet")
        args = ["in.parquet"]
    else:
        args, stdin = ["-"], RECORDS
    learn(*args, "-o", "d.tsv", stdin=stdin)
    assert (folder / "d.tsv").read_bytes() == (folder / "expected.tsv").read_bytes()


def test_several_fields_are_one_document(folder):
    rows = [{"title": "The zorkmid", "meta": {"body": "It is a zorkmid here."}} for _ in range(3)]
    (folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    learn("x.jsonl", "-o", "d.tsv", "--field", "title", "--field", "meta.body")
    assert "zorkmid\t6\t3\t" in (folder / "d.tsv").read_text()


def test_sources(folder):
    shown = learn("c.jsonl", "-o", "d.tsv", "--source-field", "team").stderr.decode()
    assert "of 3 sources" in shown
    shown = learn("c.jsonl", "-o", "d.tsv", "--source-field", "tema").stderr.decode()
    assert "no record has the field tema" in shown


def test_standard_output_and_quiet(folder):
    done = learn("c.jsonl", "-o", "-", "-q")
    assert done.stderr == b""
    learn("c.jsonl", "-o", "d.tsv")
    assert done.stdout == (folder / "d.tsv").read_bytes()


def test_bad_records_are_rejected_and_the_others_counted(folder):
    bad = b'\xff\n{"text": 5}\n{"id": 1}\n[1]\n{"text": "a", "text": "b"}\n'
    (folder / "x.jsonl").write_bytes(RECORDS[:3000] + b"\n" + bad + RECORDS[3000:])
    done = learn("x.jsonl", "-o", "d.tsv", status=1)
    rejects = [json.loads(line) for line in (folder / "d.tsv.rejects.jsonl").read_bytes().splitlines()]
    assert {"invalid-utf-8", "field-not-text", "field-missing", "not-an-object", "duplicate-key"} <= {
        r["reason"] for r in rejects
    }
    assert b"rejected" in done.stderr
    assert "frobnicator" in terms()
    learn("x.jsonl", "-o", "d.tsv", "--rejects", "r.jsonl", "--on-missing", "pass", status=1)
    assert "field-missing" not in (folder / "r.jsonl").read_text()


def test_bad_rows_of_parquet_are_rejected(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    rows = [{"text": "The zorkmid is here.", "n": {"b": "The gizmoid is here."}}] * 3 + [{"text": None, "n": None}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), "x.parquet")
    learn("x.parquet", "-o", "d.tsv", status=1)
    (reject,) = [json.loads(line) for line in (folder / "d.tsv.rejects.jsonl").read_bytes().splitlines()]
    assert (reject["line"], reject["reason"]) == (4, "field-null")
    learn("x.parquet", "-o", "e.tsv", "--field", "n.b", status=1)
    assert "gizmoid" in terms("e.tsv")
    (folder / "broken.parquet").write_bytes(b"PAR1" + b"x" * 100)
    assert b"cannot be read as Parquet" in learn("broken.parquet", "-o", "f.tsv", status=2).stderr


def test_an_archive_that_ends_early(folder):
    (folder / "x.jsonl.gz").write_bytes(gzip.compress(RECORDS)[:-20])
    done = learn("x.jsonl.gz", "-o", "d.tsv", status=2)
    assert b"ends too early; what was read before is counted" in done.stderr
    assert (folder / "d.tsv").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["missing.jsonl", "-o", "d.tsv"], "missing.jsonl: no such file"),
        (["sub", "-o", "d.tsv"], "sub: is a folder"),
        (["c.jsonl", "-o", "sub"], "sub: is a folder"),
        (["c.jsonl", "-o", "no/d.tsv"], "there is no folder no"),
        (["c.jsonl", "-o", "c.jsonl"], "c.jsonl:1: "),
        (["c.jsonl", "-o", "link.tsv"], "is a symbolic link"),
        (["c.jsonl", "-o", "d.tsv.gz"], "is not packed"),
        (["c.jsonl", "-o", "bad.tsv"], "bad.tsv:2: count 'many'"),
        (["c.jsonl", "-o", "latin.tsv"], "latin.tsv:1: not UTF-8"),
        (["c.jsonl", "-o", "d.tsv", "--lexicon", "bad.tsv"], "bad.tsv:2: count 'many'"),
        (["c.jsonl", "-o", "d.tsv", "--rejects", "c.jsonl"], "c.jsonl: would replace an input"),
        (["c.jsonl", "-o", "d.tsv", "--rejects", "d.tsv"], "two outputs would have this name"),
        (["c.jsonl"], "Missing option '-o'"),
        (["c.jsonl", "-o", "d.tsv", "--min-documents", "0"], "--min-documents"),
        (["c.xyz", "-o", "d.tsv"], "the name does not tell the format"),
        (["wide.jsonl", "-o", "d.tsv"], "is UTF-16"),
        (["-", "-", "-o", "d.tsv"], "standard input can be read only once"),
    ],
)
def test_errors_leave_everything_as_it_was(folder, args, message):
    (folder / "sub").mkdir()
    (folder / "bad.tsv").write_text("zork\t1\ngizmo\tmany\n")
    (folder / "latin.tsv").write_bytes(b"caf\xe9\n")
    (folder / "c.xyz").write_bytes(RECORDS)
    (folder / "wide.jsonl").write_text('{"text": "a"}\n', encoding="utf-16")
    (folder / "link.tsv").symlink_to("bad.tsv")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = learn(*args, status=2)
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_an_input_that_is_the_lexicon_is_refused(folder):
    (folder / "d.txt").write_text("zork\n")
    assert b"would replace an input" in learn("d.txt", "-o", "d.txt", status=2).stderr
    assert (folder / "d.txt").read_text() == "zork\n"


def test_an_archive_bomb_leaves_the_old_file(folder):
    (folder / "d.tsv").write_text("zork\n")
    (folder / "x.txt.gz").write_bytes(gzip.compress((b"x" * 1_000_000 + b"\n") * 80))
    assert b"--max-ratio" in learn("x.txt.gz", "-o", "d.tsv", "--max-line-bytes", "9999", status=2).stderr
    assert (folder / "d.tsv").read_text() == "zork\n"
    assert sorted(path.name for path in folder.iterdir()) == ["c.jsonl", "d.tsv", "x.txt.gz"]


@pytest.mark.parametrize("content", [b"", b"\n\n\n"], ids=["empty", "blank lines"])
def test_nothing_to_learn_from(folder, content):
    (folder / "x.jsonl").write_bytes(content)
    learn("x.jsonl", "-o", "d.tsv")
    assert terms() == set()
