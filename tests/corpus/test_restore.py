"""The way back: output and edit log give the raw files, byte for byte, or it is said which line does not fit."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.crashing import small_chunks
from tests.corpus.fake import Fake
from vnlp_prep import cli
from vnlp_prep.corpus.plan import plan
from vnlp_prep.corpus.restore import Restoring
from vnlp_prep.corpus.run import Options, run
from vnlp_prep.edits import Cleaned, Edit
from vnlp_prep.errors import InputError


class Careless(Fake):
    """Cleans as Fake does, and also takes characters away at the edges, white space among them, and suggests."""

    def clean(self, text: str) -> Cleaned:
        super().clean(text)
        found = re.finditer("teh|<br>|\r|\n$|\ufeff|x+$|^ ", text)
        edits = [Edit("f", "r", m.start(), m.end(), m[0], {"teh": "the é", "<br>": "\n"}.get(m[0], ""), 1.0) for m in found]
        return Cleaned(text, tuple(edits), tuple(Edit("f", "s", i, i + 1, "q", "Q", 0.1) for i, c in enumerate(text) if c == "q"))


def clean(folder, inputs, output, *, file_format=None, cleaner=None, **options):
    """Clean ``inputs`` (name -> bytes) in ``folder`` with an edit log."""
    for name, data in inputs.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(data)
    made = Options(**options)
    with contextlib.chdir(folder):
        jobs = plan(list(inputs), made, output=output, edits="edits.jsonl", format=file_format)
        return run(jobs, cleaner or Careless(), made, edits="edits.jsonl")


def restored(folder, output, **options):
    """What comes back of ``output`` in ``folder``."""
    with contextlib.chdir(folder):
        return b"".join(Restoring(output, "edits.jsonl", **options).pieces())


def round_trip(folder, inputs, output="out.jsonl", **options):
    clean(folder, inputs, output, **options)
    assert restored(folder, output) == b"".join(inputs.values())
    for name, data in inputs.items():
        assert restored(folder, output, file=name) == data


# --- Whatever the lines are -------------------------------------------------------------------------------------------

words = st.sampled_from(
    ["teh", "<br>", "q", "fine", " ", "é", "\U0001f600", "\u2028", "\x85", "xx", "\ufeff", "BOOM", "\\", '"', "\t"]
)
texts = st.lists(words, max_size=6).map("".join) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
records = st.fixed_dictionaries({"text": texts, "n": st.sampled_from([0.1, None, "teh"])})
json_lines = st.builds(
    lambda record, ascii_only, gap: json.dumps(record, ensure_ascii=ascii_only, separators=gap).encode("utf-8"),
    records, st.booleans(), st.sampled_from([(", ", ": "), (",", ":"), (" ,\t", " : ")]),
)  # fmt: skip
odd_lines = st.sampled_from(
    [
        b"", b"\r", b" ", b"bad", b"{", b"[]", b'{"text": 5}', b'{"text": "teh", "text": "b"}', b'{"text": "caf\xe9 teh"}',
        b'{"text": "\\u0074eh"}', b'{"t\\u0065xt": "teh"}', b'{"text": "\\/teh\\/"}', b"\xef\xbb\xbf", b"\xff\xfeteh\xc3",
        b"P*M\x17",
        b"\x00", b'{"text": "' + b"teh " * 40 + b'"}', b"\xef\xbb\xbf" + b'{"text": "teh"}',
    ]
)  # fmt: skip
text_lines = texts.map(lambda text: text.replace("\n", " ").encode("utf-8")) | st.binary(max_size=6).map(
    lambda data: data.replace(b"\n", b"")
)
ends = st.sampled_from([b"\n", b"\n", b"\r\n"])


def files_of(lines):
    """Files of such lines; the last one may lack its end."""
    return st.builds(
        lambda pairs, last: b"".join(line + end for line, end in pairs) + last,
        st.lists(st.tuples(lines, ends), max_size=8), st.just(b"") | lines,
    )  # fmt: skip


def is_text(data):
    """False for what is taken for an archive or UTF-16, and so refused before anything is done."""
    return b"\0" not in data[:200] and not data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\xfe\xff"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(files_of(json_lines | odd_lines).filter(is_text), min_size=1, max_size=3),
    st.sampled_from(["utf-8", "auto", "windows-1252"]),
    st.sampled_from(["", ".gz", ".zst"]),
    st.sampled_from([60, 10_000]),
)
def test_json_lines_come_back(tmp_path_factory, contents, encoding, suffix, chunk):
    inputs = {f"in{i}.jsonl": data for i, data in enumerate(contents)}
    with small_chunks(chunk):
        round_trip(tmp_path_factory.mktemp("x"), inputs, f"out.jsonl{suffix}", encoding=encoding)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(files_of(text_lines).filter(is_text), min_size=1, max_size=3),
    st.sampled_from(["utf-8", "auto", "windows-1252"]),
    st.booleans(),
    st.sampled_from([20, 10_000]),
)
def test_plain_text_comes_back(tmp_path_factory, contents, encoding, whole_file, chunk):
    inputs = {f"in{i}.txt": data for i, data in enumerate(contents)}
    with small_chunks(chunk):
        round_trip(tmp_path_factory.mktemp("x"), inputs, "out.txt", encoding=encoding, whole_file=whole_file)


# --- Several inputs, outputs ------------------------------------------------------------------------------------------

FILES = {"a.jsonl": b'{"text": "teh"}\nbad', "b.jsonl": b"", "c.jsonl": b'{"text": "a"}', "d.jsonl": b'\n{"text": "teh"}'}


def test_a_line_end_between_inputs_is_not_taken_for_one_of_theirs(tmp_path):
    for last in (b"", b"\n"):
        round_trip(tmp_path, {name: data + last for name, data in FILES.items()})


def test_inputs_whose_first_chunks_are_all_rejected_do_not_share_a_line(tmp_path):
    inputs = {"a.jsonl": b'{"text": "teh"}', "b.jsonl": b"bad\n" * 50 + b'{"text": "teh"}', "c.jsonl": b'{"text": "teh"}'}
    with small_chunks(40):
        round_trip(tmp_path, inputs)
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 2


def test_the_same_input_twice(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(FILES["a.jsonl"])
    with contextlib.chdir(tmp_path):
        run(plan(["a.jsonl"] * 2, Options(), output="o.jsonl", edits="edits.jsonl"), Fake(), Options(), edits="edits.jsonl")
    assert restored(tmp_path, "o.jsonl") == FILES["a.jsonl"] * 2


def test_one_log_of_a_folder_of_outputs(tmp_path):
    (tmp_path / "out").mkdir()
    inputs = {f"in/{name}": data for name, data in FILES.items()} | {"in/deep/a.jsonl": b'{"text": "teh deep"}\n'}
    for name, data in inputs.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(data)
    with contextlib.chdir(tmp_path):
        run(plan(["in"], Options(), output="out", edits="edits.jsonl"), Fake(), Options(), edits="edits.jsonl")
    for name, data in inputs.items():
        output = name.replace("in/", "out/")
        assert restored(tmp_path, output) == data
        (tmp_path / "moved").write_bytes((tmp_path / output).read_bytes())
        assert restored(tmp_path, "moved", file=name) == data
        with pytest.raises(InputError, match="say --file NAME"):
            restored(tmp_path, "moved")


def test_packed_inputs_give_their_contents(tmp_path):
    data = b'{"text": "teh"}\nbad\n' * 9
    inputs = {"a.jsonl.gz": gzip.compress(data), "b.jsonl.zst": zstandard.ZstdCompressor().compress(data)}
    clean(tmp_path, inputs, "out.jsonl.gz")
    assert restored(tmp_path, "out.jsonl.gz") == data * 2


def test_what_was_utf_16_comes_back_as_utf_8(tmp_path):
    text = '{"text": "teh é"}\r\n{"text": "fine"}'
    clean(tmp_path, {"a.jsonl": text.encode("utf-16")}, "out.jsonl", encoding="utf-16")
    assert restored(tmp_path, "out.jsonl").decode("utf-8") == text


# --- What does not fit ------------------------------------------------------------------------------------------------


@pytest.fixture
def cleaned(tmp_path, monkeypatch):
    """A folder with an output of two inputs, and its log."""
    monkeypatch.chdir(tmp_path)
    lines = [b'{"text": "teh %d"}\n' % i for i in range(6)]
    clean(tmp_path, {"a.jsonl": b"".join(lines), "b.jsonl": b"bad\n" + b'{"text": "fine"}\n' * 3}, "out.jsonl")
    return tmp_path


def changed(path, old, new, times=1):
    data = Path(path).read_bytes()
    assert old in data
    Path(path).write_bytes(data.replace(old, new, times))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: changed("out.jsonl", b"the \\u00e9 3", b"the e 3"), "edits.jsonl:4: does not fit out.jsonl:4: 'the é' does not"),
        (lambda: changed("out.jsonl", b'{"text": "the \\u00e9 3"}', b"bad"), "edits.jsonl:4: does not fit out.jsonl:4:"),
        (lambda: changed("out.jsonl", b"fine", b"good"), "out.jsonl: is not what the run wrote, or the edit log is of another"),
        (lambda: changed("out.jsonl", b"\n", b"\r\n", 2), "another one: a.jsonl has another SHA-256"),
        (lambda: changed("out.jsonl", b"\n", b"", 1), "edits.jsonl:1: does not fit out.jsonl:1:"),
        (lambda: changed("out.jsonl", b'{"text": "fine"}\n', b"", 1), "out.jsonl: has fewer lines than the edit log knows of"),
        (lambda: changed("out.jsonl", b"fine", b"fine\nfine", 1), "out.jsonl: is not what"),
        (lambda: Path("out.jsonl").write_bytes(Path("out.jsonl").read_bytes() + b"\n"), "out.jsonl: has more lines"),
        (lambda: Path("out.jsonl").write_bytes(b""), "out.jsonl: has fewer lines"),
        (lambda: changed("edits.jsonl", b'"before": "teh"', b'"before": "hte"'), "a.jsonl has another SHA-256"),
        (lambda: changed("edits.jsonl", b'"start": 0', b'"start": 1', 2), "edits.jsonl:1: does not fit out.jsonl:1:"),
        (lambda: changed("edits.jsonl", b'"start": 0', b'"start": "0"', 1), "edits.jsonl:1: does not fit"),
        (lambda: changed("edits.jsonl", b'"start": 0', b'"start": -9', 1), "edits.jsonl:1: does not fit"),
        (lambda: changed("edits.jsonl", b'"field": "text"', b'"field": "title"', 1), "edits.jsonl:1: does not fit"),
        (lambda: changed("edits.jsonl", b'"field": "text"', b'"field": 5', 1), "edits.jsonl:1: does not fit"),
        (lambda: changed("edits.jsonl", b'"edits": [{', b'"edits": [5, {', 1), "edits.jsonl:1: does not fit"),
        (lambda: changed("edits.jsonl", b'"raw": "', b'"raw": "!', 1), "edits.jsonl:8: does not fit"),
        (lambda: changed("edits.jsonl", b'"raw": "', b'"raw": 5, "x": "', 1), "edits.jsonl:8: does not fit"),
        (lambda: changed("edits.jsonl", b'"line": 2', b'"line": 1'), "out.jsonl: has fewer lines"),
        (lambda: changed("edits.jsonl", b'"line": 2', b'"line": "2"'), "edits.jsonl:2: is no entry of an edit log"),
        (lambda: changed("edits.jsonl", b'"lines": 6', b'"lines": "6"'), "edits.jsonl:7: is no entry of an edit log"),
        (lambda: changed("edits.jsonl", b'"output"', b'"outpt"'), "edits.jsonl:7: is no entry of an edit log"),
        (lambda: changed("edits.jsonl", b'"edits": [{', b'"edits": {"a": {'), "edits.jsonl:1: is no entry of an edit log"),
        (lambda: changed("edits.jsonl", b"{", b""), "edits.jsonl:1: is no entry of an edit log"),
        (lambda: Path("edits.jsonl").write_bytes(b"[]\n"), "edits.jsonl:1: is no entry of an edit log"),
        (lambda: Path("edits.jsonl").write_bytes(b"\xff\n"), "edits.jsonl:1: is no entry of an edit log"),
        (lambda: Path("edits.jsonl").write_bytes(b""), "edits.jsonl: has no entry; is it the edit log of this output?"),
        (lambda: Path("edits.jsonl").write_bytes(b"\n".join(Path("edits.jsonl").read_bytes().split(b"\n")[:8]) + b"\n"),
         "edits.jsonl:8: the log of b.jsonl ends too early; was its run interrupted?"),
        (lambda: Path("edits.jsonl").unlink(), "edits.jsonl: no such file"),
        (lambda: Path("out.jsonl").unlink(), "out.jsonl: no such file"),
    ],
)  # fmt: skip
def test_what_was_changed_is_named(cleaned, change, message):
    change()
    with pytest.raises(InputError) as caught:
        restored(cleaned, "out.jsonl")
    assert message in str(caught.value)


def test_a_line_that_was_too_long_is_named(tmp_path):
    clean(tmp_path, {"a.jsonl": b'{"text": "teh"}\n' + b"x" * 9000 + b"\n"}, "out.jsonl", limits=Options().limits.__class__(5000))
    with pytest.raises(InputError, match=r"edits\.jsonl:2: line 2 of a\.jsonl was too long to be held"):
        restored(tmp_path, "out.jsonl")


# --- The command line -------------------------------------------------------------------------------------------------


def test_the_command(vnlp, tmp_path):
    raw = b'{"text": "teh"}\nbad\n' * 3
    (tmp_path / "a.jsonl").write_bytes(raw)
    (tmp_path / "b.jsonl").write_bytes(raw[:5])
    vnlp("a.jsonl", "b.jsonl", "-o", "out.jsonl.gz", "--edits", "e.jsonl")
    result = vnlp("restore", "out.jsonl.gz", "e.jsonl")
    assert (result.status, result.out, result.err) == (0, raw + raw[:5], "")
    assert vnlp("restore", "out.jsonl.gz", "e.jsonl", "-o", "back.jsonl.zst", "--file", "a.jsonl").status == 0
    assert zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "back.jsonl.zst").read_bytes()) == raw


def test_the_command_refuses_and_leaves_nothing(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "teh"}\n')
    vnlp("a.jsonl", "-o", "out.jsonl", "--edits", "e.jsonl")
    for args, words in (
        (["out.jsonl", "e.jsonl", "-o", "out.jsonl"], "would replace an input"),
        (["out.jsonl", "e.jsonl", "-o", "e.jsonl"], "would replace an input"),
        (["out.jsonl", "e.jsonl", "--file", "b.jsonl"], "has no entry of a file b.jsonl"),
        (["out.parquet", "e.jsonl"], "is Parquet"),
        (["out.jsonl", "a.jsonl", "-o", "back.jsonl"], "a.jsonl:1: is no entry of an edit log"),
    ):
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        result = vnlp("restore", *args)
        assert (result.status, result.out) == (2, b"")
        assert words in result.err
        assert result.err.count("\n") == 1
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_real_cleaning_comes_back(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    text = "Teh vSphere client&#39;s log is sooooo slow!!!!! <b>caf\u00c3\u00a9</b>"
    raw = (
        b"".join(json.dumps({"id": i, "text": text * i}, ensure_ascii=i % 2 == 0).encode() + b"\n" for i in range(9)) + b"\r\nbad"
    )
    (tmp_path / "a.jsonl").write_bytes(raw)
    assert cli._status(["a.jsonl", "-o", "out.jsonl", "--edits", "e.jsonl", "-q"]) == 1
    assert b"caf" in (tmp_path / "out.jsonl").read_bytes()
    capfdbinary.readouterr()
    assert cli._status(["restore", "out.jsonl", "e.jsonl"]) == 0
    assert capfdbinary.readouterr().out == raw
