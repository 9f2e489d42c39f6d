"""Folders and patterns as inputs: which files are meant, and how they are called in the folder of the outputs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vnlp_prep.corpus.inputs import Named, find_inputs
from vnlp_prep.errors import InputError

GOOD = b'{"text": "teh"}\n'
CLEAN = b'{"text": "the"}\n'


@pytest.fixture(autouse=True)
def kb(tmp_path, monkeypatch):
    """A folder ``kb`` with files of all kinds."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.jsonl", "a.jsonl", "A.JSONL", "sub/c.jsonl.gz", "sub/deep/d.txt", "sub/deep/e.parquet", "z.ndjson.zst",
        ".hidden.jsonl", ".git/f.jsonl", "sub/.x/g.txt", "a.jsonl.rejects.jsonl", "sub/r.rejects.jsonl",
        "README.md", "h.csv", "Makefile", "i.parquet.gz", "j.jsonl.bak", ".b.jsonl.vnlp-prep.tmp", "[1].jsonl",
    ):  # fmt: skip
        path = tmp_path / "kb" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "kb"


def names(*paths, **options):
    return [found.name for found in find_inputs(paths, **options)]


IN_FOLDER = [
    "A.JSONL",
    "[1].jsonl",
    "a.jsonl",
    "b.jsonl",
    "z.ndjson.zst",
    "sub/c.jsonl.gz",
    "sub/deep/d.txt",
    "sub/deep/e.parquet",
]


@pytest.mark.parametrize("name", ["kb", "kb/", "./kb", "kb/sub/.."])
def test_a_folder_stands_for_the_files_in_it_that_can_be_cleaned(name):
    assert names(name) == IN_FOLDER
    assert [os.path.relpath(found.path, "kb") for found in find_inputs([name])] == IN_FOLDER


def test_the_current_folder(kb, monkeypatch):
    monkeypatch.chdir(kb)
    assert names(".") == IN_FOLDER


def test_any_name_will_do_where_the_format_is_said():
    assert set(names("kb", format="text")) == {*IN_FOLDER, "README.md", "h.csv", "Makefile", "i.parquet.gz", "j.jsonl.bak"}


def test_links(kb):
    """Files that links lead to are meant; folders are not, so that no circle has an end to be found."""
    (kb / "sub/link.jsonl").symlink_to("../a.jsonl")
    (kb / "sub/up").symlink_to("..")
    (kb / "self").symlink_to(".")
    assert names("kb") == [*IN_FOLDER[:6], "sub/link.jsonl", *IN_FOLDER[6:]]
    (kb.parent / "other").symlink_to("kb")
    assert len(names("other")) == len(IN_FOLDER) + 1


def test_pipes_in_a_folder_are_not_waited_for(kb):
    os.mkfifo(kb / "pipe.jsonl")
    assert names("kb") == IN_FOLDER


def test_a_link_to_nowhere_is_named(vnlp, kb, tmp_path):
    (kb / "gone.jsonl").symlink_to("nowhere")
    result = vnlp("kb", "--format", "jsonl")
    assert result.status == 2
    assert "kb/gone.jsonl: no such file" in result.err


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("kb/*.jsonl", ["[1].jsonl", "a.jsonl", "b.jsonl"]),
        ("kb/**.jsonl", ["[1].jsonl", "a.jsonl", "b.jsonl"]),
        ("kb/?.jsonl", ["a.jsonl", "b.jsonl"]),
        ("kb/[a]*.jsonl", ["a.jsonl"]),
        ("kb/[[]1].jsonl", ["[1].jsonl"]),
        ("kb/**/*.txt", ["sub/deep/d.txt"]),
        ("kb/**/[cd].*", ["sub/c.jsonl.gz", "sub/deep/d.txt"]),
        ("k*/sub/*.gz", ["kb/sub/c.jsonl.gz"]),
        ("kb/*.rejects.jsonl", ["a.jsonl.rejects.jsonl"]),
        ("kb/.*.jsonl", [".hidden.jsonl"]),
        ("kb/*/deep/*", ["sub/deep/d.txt", "sub/deep/e.parquet"]),
    ],
)
def test_a_pattern_stands_for_the_files_that_have_such_a_name(kb, pattern, wanted):
    assert names(pattern) == wanted
    assert names(str(kb.parent / pattern)) == wanted
    assert all(Path(found.path).exists() for found in find_inputs([pattern]))


def test_a_file_whose_name_looks_like_a_pattern_is_that_file():
    assert find_inputs(["kb/[1].jsonl"]) == [Named("kb/[1].jsonl", "[1].jsonl")]


def test_a_circle_of_links_gives_each_file_once(kb):
    (kb / "self").symlink_to(".")
    (kb / "sub/up").symlink_to("..")
    assert names("kb/**/*.txt") == ["sub/deep/d.txt"]
    assert names("kb/**/a.jsonl") == ["a.jsonl"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty", "nothing to clean in this folder"),
        ("kb/*.nothing", "no file has such a name"),
        ("kb/s*", "no file has such a name"),
    ],
)
def test_where_there_is_nothing(kb, name, words):
    (kb.parent / "empty/.hidden").mkdir(parents=True)
    with pytest.raises(InputError, match=words):
        find_inputs([name])


# Into a folder


@pytest.fixture
def lines(kb):
    """Only JSON lines in ``kb``, some of them deeper."""
    import shutil

    shutil.rmtree(kb)
    for name in ("a.jsonl", "sub/a.jsonl", "sub/deep/b.jsonl"):
        (kb / name).parent.mkdir(parents=True, exist_ok=True)
        (kb / name).write_bytes(GOOD + b"bad\n")
    return kb


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folders_come_out_as_they_are(vnlp, tmp_path, lines):
    (tmp_path / "out").mkdir()
    assert vnlp("kb", "-o", "out").status == 1
    outputs = contents(tmp_path / "out")
    assert set(outputs) == {name + end for name in contents(lines) for end in ("", ".rejects.jsonl")}
    assert outputs["sub/deep/b.jsonl"] == CLEAN
    (tmp_path / "again").mkdir()
    assert vnlp("kb/**/*.jsonl", "-o", "again").status == 1
    assert contents(tmp_path / "again") == outputs


@pytest.mark.parametrize("named", ["kb", "kb/**/*.jsonl", "."])
def test_what_a_run_wrote_into_a_folder_inside_is_not_read_by_the_next(vnlp, tmp_path, lines, named):
    (lines / "out").mkdir()
    before = contents(lines)
    for _ in range(2):
        assert vnlp(named, "-o", "kb/out/").status == 1
        written = {name: data for name, data in contents(lines).items() if not name.startswith("out/")}
        assert written == before
    start = "kb/" if named == "." else ""
    outputs = {f"{start}{name}{end}" for name in before for end in ("", ".rejects.jsonl")}
    assert set(contents(lines / "out")) == outputs


def test_what_is_named_itself_is_read_wherever_it_stands(vnlp, tmp_path, lines):
    (lines / "out").mkdir()
    (lines / "out/x.jsonl").write_bytes(GOOD)
    result = vnlp("kb", "kb/out/x.jsonl", "-o", "kb/out")
    assert result.status == 2
    assert "kb/out/x.jsonl: would replace an input" in result.err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["kb", "-o", "kb"], "kb/a.jsonl: would replace an input"),
        (["kb", "-o", "kb/a.jsonl"], "kb/a.jsonl: would replace an input"),
        (["kb/*.jsonl", "-o", "kb/"], "kb/a.jsonl: would replace an input"),
        (["kb", "-o", "out", "--edits", "kb/a.jsonl"], "kb/a.jsonl: would replace an input"),
        (["kb/a.jsonl", "kb/sub/a.jsonl", "-o", "out"], "out/a.jsonl: two outputs would have this name"),
        (["kb", "kb/sub", "-o", "out"], "out/a.jsonl: two outputs would have this name"),
        (["kb", "kb", "-o", "out"], "two outputs would have this name"),
    ],
    ids=" ".join,
)
def test_nothing_is_overwritten(vnlp, tmp_path, lines, args, words):
    (tmp_path / "out").mkdir()
    before = contents(tmp_path)
    result = vnlp(*args)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert words in result.err
    assert contents(tmp_path) == before


def test_a_link_in_the_folder_of_the_outputs_does_not_lead_out_of_it(vnlp, tmp_path, lines):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/sub").symlink_to("../elsewhere")
    result = vnlp("kb", "-o", "out")
    assert result.status == 2
    assert "leads out of the folder out" in result.err
    assert contents(tmp_path / "elsewhere") == {}


def test_a_folder_goes_into_one_file(vnlp, tmp_path, lines):
    result = vnlp("kb", "-o", "all.jsonl", rejects="all.jsonl.rejects.jsonl")
    assert result.status == 1
    assert (tmp_path / "all.jsonl").read_bytes() == CLEAN * 3
    assert [reject["file"] for reject in result.rejects] == ["kb/a.jsonl", "kb/sub/a.jsonl", "kb/sub/deep/b.jsonl"]


def test_very_many_files(vnlp, tmp_path, kb):
    """What is done for each file does not grow with their number: else this would take minutes."""
    (tmp_path / "many").mkdir()
    (tmp_path / "out").mkdir()
    for i in range(1500):
        (tmp_path / f"many/{i}.jsonl").touch()
    from vnlp_prep.corpus.plan import plan
    from vnlp_prep.corpus.run import Options

    assert len(plan(["many"], Options(), output="out")) == 1500
