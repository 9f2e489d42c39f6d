"""Compiled tables: what goes in comes out, a damaged or foreign file is made anew, racing processes and no cache do no harm."""

import subprocess
import sys
from array import array
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep.lexicon.compiled import Table, opened, packed, packed_table, unpacked

STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = {"the": 780, "vsphere": 400, "naïve": 1, "": 3}


def made(numbers=NUMBERS):
    remarks, sections = packed_table("words", {"zipf": ("H", numbers), "flags": ("B", {"the": 1, "only flags": 2})})
    return {**remarks, "made": "by a test"}, {**sections, "text": "naïve".encode(), "counts": array("Q", [2**63])}


def as_written(key="key"):
    return packed(key, *made())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VNLP_PREP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_packed_is_unpacked():
    compiled = unpacked(memoryview(as_written()), "key")
    assert compiled.remarks["made"] == "by a test"
    assert compiled.text("text") == "naïve"
    assert list(compiled.sections["counts"]) == [2**63]
    table = Table(compiled, "words")
    zipf, flags = table.reader("zipf"), table.reader("flags")
    assert {word: zipf(word) for word in NUMBERS} == NUMBERS
    assert (len(table), flags("the"), flags("only flags"), zipf("only flags"), flags("vsphere")) == (5, 1, 2, 0, 0)


@settings(deadline=None)
@given(st.dictionaries(STRINGS, st.integers(0, 2**16 - 1)), st.text())
def test_any_strings_can_be_keys_and_any_string_can_be_asked_for(numbers, other):
    table = Table(unpacked(memoryview(packed("", *packed_table("words", {"zipf": ("H", numbers)}))), ""), "words")
    zipf = table.reader("zipf")
    assert {word: zipf(word) for word in numbers} == numbers
    assert zipf(other) == numbers.get(other, 0)


@pytest.mark.parametrize("word", ["the\0", "the\0x", "\0", "th\ud800", "\udfff", "The", "thé"])
def test_nuls_and_lone_surrogates_are_in_no_table(word):
    assert Table(unpacked(memoryview(as_written()), "key"), "words").reader("zipf")(word) == 0


def test_a_nul_is_refused():
    with pytest.raises(KeyError):
        packed_table("words", {"zipf": ("H", {"a\0b": 1})})


def test_a_huge_word_is_not_remembered():
    zipf = Table(unpacked(memoryview(as_written()), "key"), "words").reader("zipf")
    huge = "the" * 1_000_000
    before = sys.getrefcount(huge)
    assert zipf(huge) == 0
    assert sys.getrefcount(huge) == before


def test_the_tables_outlive_what_they_were_read_from(cache):
    opened("small", "key", made)
    zipf = Table(opened("small", "key", made), "words").reader("zipf")
    assert zipf("vsphere") == 400


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[:30],
        lambda whole: whole[:-1],
        lambda whole: whole + b"\0",
        lambda whole: b"x" * len(whole),
        lambda whole: whole[:60] + bytes(len(whole) - 60),
        lambda whole: whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
        lambda whole: as_written("of other files"),
    ],
    ids=["empty", "head torn", "a byte less", "a byte more", "foreign", "zeros", "one bit", "other key"],
)
def test_a_damaged_or_foreign_file_is_told_and_made_anew(cache, damage):
    opened("small", "key", made)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert opened("small", "key", made).text("text") == "naïve"
    assert path.read_bytes() == whole
    assert list(cache.iterdir()) == [path]


def test_a_whole_file_is_not_made_again(cache):
    opened("small", "key", made)
    assert opened("small", "key", lambda: pytest.fail("made again")).text("text") == "naïve"


def test_other_users_may_map_the_file(cache):
    opened("small", "key", made)
    other = cache / "other"
    other.write_bytes(b"")
    assert {path.stat().st_mode for path in cache.iterdir()} == {other.stat().st_mode}


def test_without_a_cache_folder_all_is_in_memory(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VNLP_PREP_CACHE", str(tmp_path / "file" / "cache"))
    assert opened("small", "key", made).text("text") == "naïve"
    assert (tmp_path / "file").read_text() == "in the way"


RACER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_compiled import made
from vnlp_prep.lexicon.compiled import Table, opened

def slowly():
    Path(sys.argv[2], sys.argv[3]).touch()
    while len(list(Path(sys.argv[2]).iterdir())) < int(sys.argv[4]):  # till all of them are at it
        time.sleep(0.005)
    return made()

print(Table(opened("small", "key", slowly), "words").reader("zipf")("vsphere"))
"""


def test_processes_that_race_all_get_the_tables(cache, tmp_path):
    started = tmp_path / "started"
    started.mkdir()
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", RACER, here, str(started)]
    racers = [subprocess.Popen([*command, str(i), "4"], stdout=subprocess.PIPE, text=True) for i in range(4)]
    assert [racer.communicate(timeout=120)[0] for racer in racers] == ["400\n"] * 4
    (path,) = cache.iterdir()
    assert path.read_bytes() == as_written()
