"""Runs over several inputs: where things go, what stays when something fails, several processes."""

from __future__ import annotations

import gzip
import json
import os
import resource

import pytest

from tests.corpus.fake import Fake
from vnlp_prep.corpus.plan import plan
from vnlp_prep.corpus.run import Options, run
from vnlp_prep.corpus.writers import Partial
from vnlp_prep.errors import OutputError

GOOD = b'{"text": "teh"}\n'
CLEAN = b'{"text": "the"}\n'


def names(folder):
    """What stands in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_several_inputs_go_to_a_folder(vnlp, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "a.jsonl").write_bytes(GOOD + b"bad\n")
    (tmp_path / "b.txt").write_bytes(b"teh\n")
    result = vnlp("a.jsonl", "b.txt", "-o", "out/")
    assert (result.status, result.out) == (1, b"")
    assert names(tmp_path / "out") == ["a.jsonl", "a.jsonl.rejects.jsonl", "b.txt"]
    assert (tmp_path / "out/a.jsonl").read_bytes() == CLEAN
    assert (tmp_path / "out/b.txt").read_bytes() == b"the\n"


def test_two_inputs_of_one_name_do_not_go_to_one_folder(vnlp, tmp_path):
    for name in ("out", "one", "two"):
        (tmp_path / name).mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "a.jsonl").write_bytes(GOOD)
    result = vnlp("one/a.jsonl", "two/a.jsonl", "-o", "out")
    assert result.status == 2
    assert "two outputs" in result.err
    assert names(tmp_path / "out") == []


def test_inputs_on_standard_output_do_not_share_a_line(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(GOOD.rstrip())
    (tmp_path / "b.jsonl").write_bytes(b"")
    (tmp_path / "c.jsonl").write_bytes(GOOD.rstrip())
    assert vnlp("a.jsonl", "b.jsonl", "c.jsonl").out == CLEAN + CLEAN.rstrip()
    assert vnlp("a.jsonl", "a.jsonl").out == CLEAN + CLEAN.rstrip()


def test_rejects_of_an_earlier_run_do_not_stay(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"bad\n")
    assert len(vnlp("a.jsonl").rejects) == 1
    (tmp_path / "a.jsonl").write_bytes(b"bad\nbad\n")
    assert len(vnlp("a.jsonl").rejects) == 2
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    assert vnlp("a.jsonl").status == 0
    assert not (tmp_path / "a.jsonl.rejects.jsonl").exists()


def test_what_was_done_stays_when_a_later_input_fails(vnlp, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "a.jsonl").write_bytes(GOOD + b"bad a\n")
    # The cap is passed only in the middle of the archive, so planning cannot refuse it.
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(b"bad c\n" + GOOD * 100_000))
    (tmp_path / "out/c.jsonl.gz").write_bytes(b"old")
    logs = ["--rejects", "r.jsonl", "--edits", "e.jsonl"]
    result = vnlp("a.jsonl", "c.jsonl.gz", "-o", "out", *logs, "--max-unpacked-bytes", "1000000", rejects="r.jsonl")
    assert result.status == 2
    assert [(r["file"], r["line"]) for r in result.rejects] == [("a.jsonl", 2)]
    edits = [json.loads(entry) for entry in (tmp_path / "e.jsonl").read_bytes().splitlines()]
    assert [(e["file"], e["line"], [edit["field"] for edit in e["edits"]]) for e in edits] == [
        ("a.jsonl", 1, ["text"]),
        ("a.jsonl", 2, []),
        ("a.jsonl", None, []),
    ]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.jsonl", "c.jsonl.gz"]
    assert (tmp_path / "out/c.jsonl.gz").read_bytes() == b"old"


def test_the_edit_log_says_what_was_changed(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"t": "fine", "b": {"c": "x teh"}}\n')
    vnlp("a.jsonl", "--field", "t", "--field", "b.c", "--edits", "e.jsonl")
    entry, closing = [json.loads(entry) for entry in (tmp_path / "e.jsonl").read_bytes().splitlines()]
    assert (closing["line"], closing["lines"]) == (None, 1)
    (edit,) = entry["edits"]
    assert edit["field"] == "b.c"
    assert (edit["start"], edit["end"], edit["before"], edit["after"]) == (2, 5, "teh", "the")


def test_passing_on_what_has_no_text(vnlp, tmp_path):
    lines = [b'{"id": 1}', b'{"text": null, "title": "teh"}', b'{"text": "teh", "title": "teh"}', b"[]"]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    result = vnlp("a.jsonl", "--on-missing", "pass", "--field", "text", "--field", "title")
    assert result.out == b'{"id": 1}\n{"text": null, "title": "the"}\n{"text": "the", "title": "the"}\n'
    assert [r["reason"] for r in result.rejects] == ["not-an-object"]
    assert "1 passed on" in result.err


def test_a_second_run_on_the_same_output_is_refused(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "out.jsonl").write_bytes(b"old")
    first = Partial("out.jsonl")
    first.open()
    result = vnlp("a.jsonl", "-o", "out.jsonl")
    assert result.status == 2
    assert "another run" in result.err
    first.abandon()
    (tmp_path / ".out.jsonl.vnlp-prep.tmp").write_bytes(b"left by a run that was killed, longer than the output")
    assert vnlp("a.jsonl", "-o", "out.jsonl").status == 0
    assert (tmp_path / "out.jsonl").read_bytes() == CLEAN
    assert names(tmp_path) == ["a.jsonl", "out.jsonl"]


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "precious").write_bytes(b"precious")
    for make in (os.symlink, os.link):
        make("precious", ".out.jsonl.vnlp-prep.tmp")
        assert vnlp("a.jsonl", "-o", "out.jsonl").status == 2
        assert (tmp_path / "precious").read_bytes() == b"precious"
        (tmp_path / ".out.jsonl.vnlp-prep.tmp").unlink()


def test_permissions_of_the_old_file_stay(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(GOOD)
    (tmp_path / "out.jsonl").write_bytes(b"old")
    (tmp_path / "out.jsonl").chmod(0o640)
    vnlp("a.jsonl", "-o", "out.jsonl")
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
def test_a_disk_that_fills_up_leaves_the_old_file(vnlp, tmp_path, name):
    (tmp_path / "a.jsonl").write_bytes(b"".join(b'{"text": "%s"}\n' % os.urandom(500).hex().encode() for _ in range(9000)))
    (tmp_path / name).write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        result = vnlp("a.jsonl", "-o", name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.status == 2
    assert f"{name}: cannot be written" in result.err
    assert result.err.count("\n") == 1
    assert (tmp_path / name).read_bytes() == b"old"
    assert names(tmp_path) == sorted(["a.jsonl", name])


def test_a_log_that_does_not_fit_stops_the_run(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"bad\n" * 9000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        result = vnlp("a.jsonl", "-o", "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.status == 2
    assert "cannot be written" in result.err
    assert names(tmp_path) == ["a.jsonl"]


def test_output_to_a_device_leaves_the_rejects_here(vnlp, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"bad\n")
    assert vnlp("a.jsonl", "-o", "/dev/null").status == 1
    assert (tmp_path / "a.jsonl.rejects.jsonl").exists()


def test_a_name_that_is_not_utf_8(vnlp, tmp_path):
    name = os.fsdecode(b"caf\xe9\n.jsonl")
    (tmp_path / name).write_bytes(GOOD + b"bad\n")
    result = vnlp(name)
    assert (result.status, result.out) == (1, CLEAN)
    assert result.rejects[0]["file"] == r"caf\xe9\n.jsonl"


# Several processes


def _run(tmp_path, data, workers, fields=("text",)):
    (tmp_path / "in.jsonl").write_bytes(data)
    options = Options(workers=workers, fields=fields)
    jobs = plan([str(tmp_path / "in.jsonl")], options, output=str(tmp_path / "out.jsonl"))
    summary = run(jobs, Fake(), options)
    log = tmp_path / "out.jsonl.rejects.jsonl"
    return (tmp_path / "out.jsonl").read_bytes(), log.read_bytes() if log.exists() else b"", summary


def test_workers_do_not_change_the_output(tmp_path, monkeypatch):
    monkeypatch.setattr("vnlp_prep.corpus.run._SMALL_BYTES", 0)
    monkeypatch.setattr("vnlp_prep.corpus.run.CHUNK_BYTES", 20_000)
    lines = [b'{"text": "teh %d", "title": "t"}' % i for i in range(6_000)]
    booms = [0, 3, 4, 1_000, 4_000, 5_998]
    for i in booms:
        lines[i] = b'{"text": "teh", "title": "BOOM"}'
    lines[10:12] = [b"", b"bad", b"[]", b'{"text": 1}']
    data = b"\n".join(lines)
    fields = ("text", "title")
    one, many = _run(tmp_path, data, 1, fields), _run(tmp_path, data, 3, fields)
    assert one[:2] == many[:2]
    assert one[1].count(b"internal-error") == len(booms)
    assert one[0].count(b"the") == 6_000 - 2 - len(booms)
    assert (one[2].records, one[2].changed, one[2].rejects) == (many[2].records, many[2].changed, many[2].rejects)


def test_an_output_of_a_failed_run_can_be_written_again(tmp_path):
    class Broken:
        def clean(self, text):
            raise KeyboardInterrupt

    (tmp_path / "in.jsonl").write_bytes(GOOD)
    options = Options()
    jobs = plan([str(tmp_path / "in.jsonl")], options, output=str(tmp_path / "out.jsonl"), edits=str(tmp_path / "e.jsonl"))
    with pytest.raises(KeyboardInterrupt):
        run(jobs, Broken(), options, edits=str(tmp_path / "e.jsonl"))
    assert names(tmp_path) == ["in.jsonl"]
    with pytest.raises(OutputError, match="no folder"):
        plan([str(tmp_path / "in.jsonl")], options, output=str(tmp_path / "x/out.jsonl"))
