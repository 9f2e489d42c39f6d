"""The table of bad inputs, as far as files and JSON lines go: each row says what must happen."""

from __future__ import annotations

import base64
import codecs
import gzip
import os
import socket

import pytest
import zstandard

GOOD = b'{"id": 1, "text": "fine"}\n'
#: A line that must be rejected, and the code of the reason.
REJECTED = [
    (b'{"text": "caf\xe9"}', "invalid-utf-8"),
    (b'{"text": "\xed\xa0\x80"}', "invalid-utf-8"),  # a surrogate, written as if it were a character
    (b'{"text": "\xc0\xaf"}', "invalid-utf-8"),  # overlong
    (b'{"text": "a\x00b"}', "nul-byte"),
    (b'{"text": "a"}\x00', "nul-byte"),
    (b'{"text": "a\x01b"}', "control-character"),
    (b'{"text": "a\tb"}', "control-character"),
    (b'{"text": "a', "truncated-json"),
    (b'{"text": ', "truncated-json"),
    (b'{"text"', "truncated-json"),
    (b"[" * 100_000, "too-deep"),
    (b'{"a":' * 100_000, "too-deep"),
    (b"[" * 100_000 + b"]" * 100_000, "too-deep"),
    (b'{"text": "a", "n": ' + b"7" * 5000 + b"}", "number-out-of-range"),
    (b'{"text": "a", "n": 1e999}', "number-out-of-range"),
    (b'{"text": "a", "n": -1e999}', "number-out-of-range"),
    (b'{"text": "a", "n": NaN}', "not-a-number"),
    (b'{"text": "a", "n": Infinity}', "not-a-number"),
    (b'{"text": "a", "n": -Infinity}', "not-a-number"),
    (b'{"text": "\\ud800"}', "lone-surrogate"),
    (b'{"text": "a\\udc00b"}', "lone-surrogate"),
    (b'{"text": "a", "other": "\\ud83d"}', "lone-surrogate"),
    (b'{"text": "a", "text": "b"}', "duplicate-key"),
    (b'{"text": "a", "\\u0074ext": "b"}', "duplicate-key"),
    (b'{"text": "a", "text" : "b"}', "duplicate-key"),
    (b'{"text": "a", "n": [{"x": {"k": 1, "k": 2}}]}', "duplicate-key"),
    (b'{"text": "\\":", "k\\\\": 1, "k\\\\": 2}', "duplicate-key"),
    (b'{"a\\\\":1,"text":"x","text":"y"}', "duplicate-key"),
    (b'["text"]', "not-an-object"),
    (b"17", "not-an-object"),
    (b"null", "not-an-object"),
    (b'"text"', "not-an-object"),
    (b"text", "invalid-json"),
    (b"{'text': 'a'}", "invalid-json"),
    (b'{"text": "a",}', "invalid-json"),
    (b'{"text": "\\x41"}', "invalid-json"),
    (b'{"text": "\\u00g0"}', "invalid-json"),
    (b'{"text": "a", "n": 01}', "invalid-json"),
    (b'{"text": "a"} {"text": "b"}', "invalid-json"),
    (b'{"text": "a"} // why', "invalid-json"),
    (b"\x0c", "invalid-json"),
    (b"\xc2\xa0", "invalid-json"),
    (b'{"id": 1}', "field-missing"),
    (b'{"text": null}', "field-null"),
    (b'{"text": 5}', "field-not-text"),
    (b'{"text": true}', "field-not-text"),
    (b'{"text": {"a": "b"}}', "field-not-text"),
    (b'{"text": ["a"]}', "field-not-text"),
    (b'{"text": "BOOM"}', "internal-error"),
]


@pytest.mark.parametrize(("line", "code"), REJECTED, ids=lambda value: repr(value)[:40])
def test_one_bad_line_is_rejected_and_no_other(vnlp, tmp_path, line, code):
    (tmp_path / "x.jsonl").write_bytes(GOOD + line + b"\n" + GOOD)
    result = vnlp("x.jsonl")
    assert result.status == 1
    assert result.out == GOOD * 2
    (reject,) = result.rejects
    assert (reject["reason"], reject["file"], reject["line"]) == (code, "x.jsonl", 2)
    assert reject["byte_offset"] == len(GOOD)
    assert base64.b64decode(reject["raw"]) == line + b"\n"
    assert reject["message"]
    assert "Traceback" not in result.err
    assert "x.jsonl.rejects.jsonl" in result.err


#: Lines that come out as they are, byte for byte.
KEPT = [
    b'{"text":"fine","n":123456789012345678901234567890,"z":0.10,"e":1E+2,"m":-0}',
    b'  {"z": 1, "a": 2 , "text" : "fine" }  ',
    b'{"text": "\\u0066ine \\/ \\u00e9 \\ud83d\\ude00"}',
    '{"text": "é 😀", "\u2028": "\u0085\u2029"}'.encode(),
    '{"text": "a\u2028b\u0085c"}'.encode(),
    b'{"text": "\\u000b\\u001c\\u0000"}',
    b'{"text": "a", "n": [1, [2, {"text": "teh"}]], "o": {"text": "teh"}}',
    b'{"text": "\\\\", "b": "\\\\\\"", "c:": ":"}',
    b'{"text": ""}',
    b'{"text": "fine", "": {"": []}}',
    b'{"text": "fine"}\r',
    b'{"text": "a\x7fb"}',
    b"{" + b'"text":' + b'"' + b"x" * 300_000 + b'"' + b"}",
]


@pytest.mark.parametrize("line", KEPT, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n"])
def test_what_needs_no_change_stays_byte_for_byte(vnlp, tmp_path, line, end):
    (tmp_path / "x.jsonl").write_bytes(GOOD + line + end)
    result = vnlp("x.jsonl")
    assert result.status == 0
    assert result.out == GOOD + line + end


#: Lines in which one text changes, and how they come out.
CHANGED = [
    (b'{"n": 0.10, "text": "teh \\u00e9", "t": "teh"}', b'{"n": 0.10, "text": "the \\u00e9", "t": "teh"}'),
    ('{"text": "teh é"}'.encode(), '{"text": "the é"}'.encode()),
    (b'{"\\u0074ext": "teh"}', b'{"\\u0074ext": "the"}'),
    (b'{"text" :\t"a<br>b"  }', b'{"text" :\t"a\\nb"  }'),
    (b'{"a": {"text": "teh"}, "l": [{"text": "teh"}], "text": "teh"}',
     b'{"a": {"text": "teh"}, "l": [{"text": "teh"}], "text": "the"}'),
    (b'{"s": "\\\\\\"{[", "text": "\\"teh\\\\"}', b'{"s": "\\\\\\"{[", "text": "\\"the\\\\"}'),
]  # fmt: skip


@pytest.mark.parametrize(("line", "wanted"), CHANGED)
def test_only_the_text_changes(vnlp, tmp_path, line, wanted):
    (tmp_path / "x.jsonl").write_bytes(line + b"\r\n" + GOOD)
    assert vnlp("x.jsonl").out == wanted + b"\r\n" + GOOD


def names(folder):
    """What stands in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_line_ends_blank_lines_and_a_missing_last_newline_stay(vnlp, tmp_path):
    data = b"\n\r\n" + GOOD + b"   \t\n" + GOOD.replace(b"\n", b"\r\n") + b"\n\n" + GOOD.rstrip()
    (tmp_path / "x.jsonl").write_bytes(data)
    result = vnlp("x.jsonl")
    assert (result.status, result.out) == (0, data)
    assert "3 records" in result.err
    assert "5 blank lines" in result.err


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\r\n \n", b" "])
def test_an_empty_file_is_done_at_once(vnlp, tmp_path, data):
    (tmp_path / "x.jsonl").write_bytes(data)
    result = vnlp("x.jsonl")
    assert (result.status, result.out) == (0, data)
    assert not (tmp_path / "x.jsonl.rejects.jsonl").exists()


@pytest.mark.parametrize(("name", "line"), [("x.jsonl", GOOD), ("x.txt", b"fine\n")])
def test_a_byte_order_mark_is_taken_off(vnlp, tmp_path, name, line):
    (tmp_path / name).write_bytes(codecs.BOM_UTF8 + line + line)
    result = vnlp(name, "--edits", "edits.jsonl")
    assert (result.status, result.out) == (0, line + line)
    assert b"byte-order-mark" in (tmp_path / "edits.jsonl").read_bytes()


def test_a_byte_order_mark_inside_is_taken_off_where_files_were_put_together(vnlp, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(GOOD + codecs.BOM_UTF8 + GOOD + codecs.BOM_UTF8 + b"\n")
    result = vnlp("x.jsonl")
    assert (result.status, result.out) == (0, GOOD + GOOD + b"\n")


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_wide_encoding_is_named_and_then_read(vnlp, tmp_path, name, packed):
    data = '{"text": "teh 中文 \u010a"}\r\n{"text": "fine"}'.encode(name)
    path = "x.jsonl.gz" if packed else "x.jsonl"
    (tmp_path / path).write_bytes(gzip.compress(data) if packed else data)
    result = vnlp(path, "-o", "out.jsonl")
    assert result.status == 2
    assert f"--encoding {name}" in result.err
    assert not (tmp_path / "out.jsonl").exists()
    result = vnlp(path, "--encoding", name)
    assert (result.status, result.out.decode()) == (0, '{"text": "the 中文 \u010a"}\r\n{"text": "fine"}')


def test_damage_in_a_wide_encoding_costs_one_line(vnlp, tmp_path):
    good = '{"text": "teh"}\n'.encode("utf-16-le")
    bad = '{"text": "'.encode("utf-16-le") + b"\x00\xd8" + '"}\n'.encode("utf-16-le")
    (tmp_path / "x.jsonl").write_bytes(codecs.BOM_UTF16_LE + good + bad + good + b"{")
    result = vnlp("x.jsonl", "--encoding", "utf-16")
    assert result.out == b'{"text": "the"}\n' * 2
    assert [(r["line"], r["reason"]) for r in result.rejects] == [(2, "invalid-utf-8"), (4, "invalid-utf-8")]


def test_lines_in_another_encoding_are_decoded_when_asked(vnlp, tmp_path):
    lines = ['{"text": "teh naïve"}'.encode(), '{"text": "teh café –"}'.encode("cp1252")]
    mixed = b'{"text": "' + "naïve ".encode() + "café".encode("cp1252") + b'"}'
    (tmp_path / "x.jsonl").write_bytes(b"\n".join([*lines, mixed]) + b"\n")
    wanted = '{"text": "the naïve"}\n{"text": "the café –"}\n{"text": "naïve café"}\n'
    assert vnlp("x.jsonl", "--encoding", "auto").out.decode() == wanted
    result = vnlp("x.jsonl", "--encoding", "cp1252")
    assert result.out.decode() == wanted.replace("naïve café", "naÃ¯ve café")
    assert "2 lines decoded from windows-1252" in result.err
    assert [r["line"] for r in vnlp("x.jsonl").rejects] == [2, 3]


def test_no_encoding_fits(vnlp, tmp_path):
    (tmp_path / "x.txt").write_bytes(b"ok\n\x81\x8d\x8f\x90\x9d\xff\xfe\x81\n")
    result = vnlp("x.txt", "--encoding", "ascii")
    assert (result.status, result.out) == (1, b"ok\n")
    assert result.rejects[0]["reason"] == "invalid-encoding"


@pytest.mark.parametrize("name", ["klingon", "unicode_escape", "rot13", "base64", "punycode", "utf-7", "", "a\x00b"])
def test_an_encoding_that_is_none_is_refused(vnlp, tmp_path, name):
    (tmp_path / "x.txt").write_bytes(b"ok\n")
    result = vnlp("x.txt", "--encoding", name)
    assert result.status == 2
    assert "unknown encoding" in result.err
    assert result.out == b""


def test_a_line_over_the_cap_is_rejected_and_cut(vnlp, tmp_path):
    long = b'{"text": "' + b"x" * 1_000_000 + b'"}\n'
    (tmp_path / "x.jsonl").write_bytes(GOOD + long + GOOD + long.rstrip())
    result = vnlp("x.jsonl", "--max-line-bytes", "500000")
    assert (result.status, result.out) == (1, GOOD * 2)
    assert [(r["line"], r["reason"], r["truncated"], r["length"]) for r in result.rejects] == [
        (2, "line-too-long", True, len(long)),
        (4, "line-too-long", True, len(long) - 1),
    ]
    raws = [base64.b64decode(r["raw"]) for r in result.rejects]
    assert all(long.startswith(raw) and 0 < len(raw) <= 4096 for raw in raws)
    assert result.rejects[1]["byte_offset"] == len(GOOD) * 2 + len(long)


def _pack(name: str, data: bytes) -> bytes:
    return gzip.compress(data) if name.endswith(".gz") else zstandard.ZstdCompressor().compress(data)


PACKED = ["x.jsonl.gz", "x.jsonl.zst"]


@pytest.mark.parametrize("name", PACKED)
def test_all_members_of_an_archive_are_read(vnlp, tmp_path, name):
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" if name.endswith("zst") else b""
    (tmp_path / name).write_bytes(_pack(name, GOOD) + skippable + _pack(name, b"") + _pack(name, GOOD * 3))
    result = vnlp(name)
    assert (result.status, result.out) == (0, GOOD * 4)


def test_padding_behind_a_gzip_member_is_no_damage(vnlp, tmp_path):
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(GOOD) + b"\0" * 300_000 + gzip.compress(GOOD) + b"\0" * 512)
    assert vnlp("x.jsonl.gz").out == GOOD * 2


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("cut", ["end", "middle", "garbage", "broken"])
def test_a_damaged_archive_keeps_what_was_read(vnlp, tmp_path, name, cut):
    lines = [b'{"text": "teh %s"}\n' % os.urandom(200).hex().encode() for _ in range(5000)]
    packed = _pack(name, b"".join(lines))
    packed = {
        "end": packed[:-3],
        "middle": packed[: len(packed) // 2],
        "garbage": packed + b"garbage",
        "broken": packed[: len(packed) // 2] + b"\xff" * 2000,
    }[cut]
    (tmp_path / name).write_bytes(packed)
    result = vnlp(name, "-o", "out.jsonl", rejects="out.jsonl.rejects.jsonl")
    assert result.status == 2
    assert "archive" in result.err
    out = (tmp_path / "out.jsonl").read_bytes()
    assert b"".join(lines).replace(b"teh", b"the").startswith(out)
    assert len(out) > (2_000_000 if cut == "garbage" else 500_000)
    assert out.endswith(b"\n")
    assert {r["reason"] for r in result.rejects} <= {"truncated-archive"}


@pytest.mark.parametrize("name", PACKED)
def test_a_file_that_is_no_archive_is_refused(vnlp, tmp_path, name):
    (tmp_path / name).write_bytes(GOOD)
    result = vnlp(name, "-o", "out.jsonl")
    assert result.status == 2
    assert "not an archive" in result.err
    assert names(tmp_path) == [name]


def test_one_kind_of_archive_with_the_name_of_the_other_is_refused(vnlp, tmp_path):
    (tmp_path / "x.jsonl.gz").write_bytes(_pack("x.zst", GOOD))
    result = vnlp("x.jsonl.gz")
    assert result.status == 2
    assert "is a .zst archive" in result.err


@pytest.mark.parametrize("name", PACKED)
def test_an_archive_without_its_suffix_is_read_all_the_same(vnlp, tmp_path, name):
    (tmp_path / "x.jsonl").write_bytes(_pack(name, GOOD))
    assert vnlp("x.jsonl").out == GOOD


@pytest.mark.parametrize("name", PACKED)
def test_a_bomb_is_stopped(vnlp, tmp_path, name):
    (tmp_path / name).write_bytes(_pack(name, (b" " * 9999 + b"\n") * 9000))
    result = vnlp(name, "-o", "out.jsonl")
    assert result.status == 2
    assert "--max-ratio" in result.err
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", PACKED)
def test_the_cap_on_unpacked_bytes(vnlp, tmp_path, name):
    (tmp_path / name).write_bytes(_pack(name, GOOD * 100_000))
    result = vnlp(name, "--max-unpacked-bytes", "1000000", "-o", "out.jsonl")
    assert result.status == 2
    assert "--max-unpacked-bytes" in result.err
    assert vnlp(name, "-o", "out.jsonl").status == 0


@pytest.mark.parametrize("name", PACKED)
def test_output_is_packed_by_its_name(vnlp, tmp_path, name):
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "teh"}\n' * 1000)
    assert vnlp("in.jsonl", "-o", name).status == 0
    packed = (tmp_path / name).read_bytes()
    unpacked = gzip.decompress(packed) if name.endswith("gz") else zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    assert unpacked == b'{"text": "the"}\n' * 1000
    vnlp("in.jsonl", "-o", name)
    assert (tmp_path / name).read_bytes() == packed  # no time inside
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert vnlp("empty.jsonl", "-o", name).status == 0
    assert vnlp(name).out == b""  # fmt: skip


# Inputs that cannot be read, outputs that must not be written: refused before anything is done.


def _refused(result, tmp_path, before, *words):
    assert result.status == 2
    assert result.out == b""
    assert result.err.startswith("vnlp-prep: error: ")
    assert result.err.count("\n") == 1
    for word in words:
        assert word in result.err
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


@pytest.fixture
def files(tmp_path):
    """Two inputs, an old output; what stands in the folder."""
    contents = {"x.jsonl": GOOD, "y.jsonl": GOOD, "old.jsonl": b"old"}
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return contents


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["none.jsonl"], ["none.jsonl: no such file"]),
        (["explian"], ["did you mean explain?"]),
        (["x.csv"], ["no such file"]),
        (["x.jsonl", "-o", "x.jsonl"], ["would replace an input"]),
        (["x.jsonl", "-o", "./x.jsonl"], ["would replace an input"]),
        (["x.jsonl", "-o", "."], ["would replace an input"]),
        (["x.jsonl", "-o", "sub/../x.jsonl"], []),
        (["x.jsonl", "-o", "none/out.jsonl"], ["no folder none"]),
        (["x.jsonl", "-o", "none/"], ["no such folder"]),
        (["*.txt"], ["no file has such a name"]),
        (["x.jsonl", "-o", "old.parquet"], ["nothing is converted"]),
        (["x.jsonl", "y.jsonl", "-o", "y.jsonl"], ["would replace an input"]),
        (["x.jsonl", "--resume"], ["--resume needs -o"]),
        (["x.jsonl", "-o", "old.jsonl", "--rejects", "y.jsonl", "y.jsonl"], []),
        (["x.jsonl", "-o", "old.jsonl", "--rejects", "x.jsonl"], ["would replace an input"]),
        (["x.jsonl", "-o", "old.jsonl", "--rejects", "old.jsonl"], ["two outputs"]),
        (["x.jsonl", "-o", "old.jsonl", "--edits", "old.jsonl"], ["two outputs"]),
        (["x.jsonl", "-o", "old.jsonl", "--edits", "e.jsonl.gz"], ["not packed"]),
        (["x.jsonl", "--encoding", "klingon", "-o", "old.jsonl"], ["klingon"]),
        (["x.jsonl", "--workers", "0"], ["--workers"]),
        (["x.jsonl", "--no-such-flag"], ["--no-such-flag"]),
        (["x.jsonl", "--stages", "html,speling"], ["did you mean spelling?"]),
        (["-", "-"], ["only once"]),
    ],
    ids=" ".join,
)
def test_refused_before_anything_is_done(vnlp, tmp_path, files, args, words):
    _refused(vnlp(*args), tmp_path, files, *words)


def test_a_name_that_tells_no_format(vnlp, tmp_path):
    (tmp_path / "x.csv").write_bytes(b"teh\n")
    _refused(vnlp("x.csv"), tmp_path, {"x.csv": b"teh\n"}, "--format")
    assert vnlp("x.csv", "--format", "text").out == b"the\n"


def test_links_are_seen_through(vnlp, tmp_path, files):
    (tmp_path / "soft.jsonl").symlink_to("x.jsonl")
    files["soft.jsonl"] = GOOD
    _refused(vnlp("x.jsonl", "-o", "soft.jsonl"), tmp_path, files, "symbolic link")
    _refused(vnlp("soft.jsonl", "-o", "x.jsonl"), tmp_path, files, "would replace an input")
    os.link(tmp_path / "x.jsonl", tmp_path / "hard.jsonl")
    files["hard.jsonl"] = GOOD
    _refused(vnlp("x.jsonl", "-o", "hard.jsonl"), tmp_path, files, "would replace an input")
    (tmp_path / "dangling.jsonl").symlink_to("/nowhere")
    _refused(vnlp("x.jsonl", "-o", "dangling.jsonl"), tmp_path, files, "symbolic link")


def test_a_socket_is_refused(vnlp, tmp_path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("s.jsonl")
        _refused(vnlp("s.jsonl"), tmp_path, {}, "is a socket")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(vnlp, tmp_path, files):
    (tmp_path / "x.jsonl").chmod(0)
    assert "permission denied" in vnlp("x.jsonl").err
    (tmp_path / "x.jsonl").chmod(0o600)
    (tmp_path / "sub").mkdir(mode=0o500)
    assert "cannot be written to" in vnlp("x.jsonl", "-o", "sub/out.jsonl").err


def test_a_fifo_is_streamed(vnlp, tmp_path):
    import threading

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(gzip.compress(b'{"text": "teh"}\n' * 9),))
    writer.start()
    result = vnlp("pipe")
    writer.join()
    assert (result.status, result.out) == (0, b'{"text": "the"}\n' * 9)


def test_a_full_disk_leaves_the_old_file(vnlp, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(GOOD * 1000)
    result = vnlp("x.jsonl", "-o", "/dev/full")
    assert result.status == 2
    assert "no space left" in result.err
