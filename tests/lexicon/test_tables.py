"""The shipped tables: they say of every word what the text files say, and are made anew when one of those changes."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep import Lexicon
from vnlp_prep.lexicon import sources
from vnlp_prep.lexicon.candidates import CandidateIndex
from vnlp_prep.lexicon.files import Term
from vnlp_prep.lexicon.letters import NUMBERS, SIGNS, slip_gain
from vnlp_prep.lexicon.tables import FOREIGN, NAME, key, lexicon_tables, web_tables

TERMS = sources.domain_terms()
ENGLISH = sources.english()
KNOWN = sources.known(ENGLISH, TERMS)
SEEN = sources.seen()


@pytest.mark.parametrize(
    ("column", "expected"),
    [("known", KNOWN), ("english", ENGLISH), ("seen", SEEN)],
    ids=["known", "english", "seen"],
)
def test_counts_of_words(column, expected):
    count = getattr(lexicon_tables(), column)
    assert {word: count(word) for word in expected} == expected
    others = (KNOWN.keys() | SEEN.keys() | sources.names() | sources.misspellings().keys()) - expected.keys()
    assert not any(map(count, sorted(others)[::10]))


def test_foreign_words_and_names():
    flags = lexicon_tables().flags
    foreign, names = sources.foreign(TERMS), sources.names()
    for word in foreign | names | KNOWN.keys():
        assert flags(word) == FOREIGN * (word in foreign) + NAME * (word in names), word


def test_misspellings():
    expected = sources.misspellings()
    assert {word: lexicon_tables().misspelling_of(word) for word in expected} == expected
    assert not any(map(lexicon_tables().misspelling_of, sorted(ENGLISH.keys() - expected.keys())[::10]))


@pytest.mark.parametrize("column", ["documentation", "web"])
def test_pairs(column):
    expected = sources.documentation_pairs() if column == "documentation" else sources.web_pairs()
    count = getattr(lexicon_tables(), f"{column}_pair")
    assert {pair: count(pair) for pair in expected} == expected
    assert not count("the the the")


def test_spellings_and_words_to_correct_to():
    assert lexicon_tables().spellings == sources.spellings(TERMS)
    assert list(lexicon_tables().common) == [word for word, zipf in KNOWN.items() if zipf >= sources.LEAST]


def test_words_of_the_web():
    expected = sources.web_words()
    assert {word: web_tables().count(word) for word in expected} == expected
    assert len(web_tables().letters) == 27**4


def test_letters():
    gains = sources.letter_gains()
    expected = {f"{a}{b}{c}": gains.get(f"{a}{b}{c}", 0) for a in "^$az" for b in "^$ey" for c in "^$qs"}
    number = NUMBERS.__getitem__
    table = lexicon_tables().letters
    assert {k: table[(number(k[0]) * SIGNS + number(k[1])) * SIGNS + number(k[2])] for k in expected | gains} == expected | gains
    marked = "^^configuratoin$"
    assert slip_gain("configuratoin") == sum(gains.get(marked[i : i + 3], 0) / 100 for i in range(len(marked) - 2))


def test_the_fingerprint_is_that_of_the_contents():
    assert lexicon_tables().fingerprint == sources.fingerprint()


def test_the_key_changes_with_every_file(tmp_path, monkeypatch):
    files = [tmp_path / path.name for path in sources.files()]
    for path in files:
        path.write_text("a")
    monkeypatch.setattr(sources, "files", lambda: files)
    keys = {key()}
    for path in files:
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        keys.add(key())
        path.write_text("ab")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        keys.add(key())
        path.unlink()
        keys.add(key())
    assert len(keys) == 1 + 3 * len(files)


def test_all_files_are_there():
    assert all(map(Path.is_file, sources.files()))


# --- A user's own terms ----------------------------------------------------------------------------------------------------

WORDS = [*(word for word in KNOWN if word.startswith("zy")), *"the vsphere datos frobnicator zork e2e café".split()]
LISTS = st.lists(
    st.builds(
        Term,
        st.sampled_from(WORDS).flatmap(lambda word: st.sampled_from([word, word.upper(), word.title()])),
        st.integers(1, 10**9),
        st.just(1),
        st.sampled_from(["", "", "", "client"]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(LISTS, st.booleans())
def test_a_users_terms_are_mixed_in_as_if_they_were_shipped(terms, domain):
    shipped = KNOWN if domain else ENGLISH
    expected = sources.known(shipped, [t for t in terms if not t.replace_by])
    for t in terms:
        if t.replace_by:
            expected.pop(t.term.lower(), None)
    lexicon = Lexicon(terms, domain=domain)
    for word in WORDS:
        assert (word in lexicon) == (word in expected), word
        assert lexicon.known_zipf(word) == expected.get(word, 0) / 100
        assert lexicon.zipf(word) == (expected.get(word) or SEEN.get(word, 0)) / 100
        assert lexicon.general_zipf(word) == ENGLISH.get(word, 0) / 100


@pytest.mark.parametrize("domain", [True, False])
def test_a_users_terms_are_found_as_if_the_index_had_been_built_with_them(tmp_path, monkeypatch, domain):
    monkeypatch.setenv("VNLP_PREP_CACHE", str(tmp_path))
    rare = next(word for word, zipf in ENGLISH.items() if zipf < sources.LEAST and word.startswith("co"))
    terms = [Term("Frobnicator", 12), Term("comandd"), Term("e2e"), Term(rare), Term("Café"), Term("hosts", 1, 1, "host")]
    lexicon = Lexicon(terms, domain=domain)
    expected = sources.known(KNOWN if domain else ENGLISH, terms)
    del expected["hosts"]
    whole = CandidateIndex.build([w for w, zipf in expected.items() if zipf >= sources.LEAST and w != "e2e"])
    assert ("frobnicator", 1) in lexicon.candidates.near("frobnicatr", 1)
    for word in ("frobnicatr", "comand", "e2f", rare + "x", "cafe", "café", "host", "hosst", "teh", "", "x", "confguratoin"):
        for distance in (1, 2):
            assert sorted(lexicon.candidates.near(word, distance)) == sorted(whole.near(word, distance))
        assert lexicon.candidates.far(word, 4, 20) == whole.far(word, 4, 20)


def test_a_users_terms_add_little_to_the_cache(tmp_path, monkeypatch):
    Lexicon.shipped().candidates  # noqa: B018  (the index of the shipped words is there)
    monkeypatch.setenv("VNLP_PREP_CACHE", str(tmp_path))
    assert ("frobnicator", 1) in Lexicon([Term("Frobnicator")]).candidates.near("frobnicatr", 1)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000
