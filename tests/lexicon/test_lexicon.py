"""The lexicon: what is known, counts, spelling, and files that are refused with file and line."""

import pickle

import pytest

from vnlp_prep import Lexicon
from vnlp_prep.errors import LexiconError
from vnlp_prep.lexicon.files import Term, data_folder, read_terms, write_terms


@pytest.mark.parametrize(
    "word",
    "the vSphere VSPHERE kubernetes runtime hostname namespace JSON API config HTTPS DNS behaviour customise golang esxcli "
    "don't don’t vCenter's it'll vmdk datastore".split(),
)
def test_known(word):
    assert word in Lexicon.shipped()


@pytest.mark.parametrize("word", ["occured", "overriden", "recieve", "teh", "seperate", "targetting", "", "qqqq's", 5, None])
def test_unknown(word):
    assert word not in Lexicon.shipped()


def test_no_known_misspelling_is_in_the_domain_list():
    lexicon = Lexicon.shipped()
    terms = read_terms(data_folder() / "lexicon" / "vmware.tsv")
    assert len(terms) > 5000
    assert [t.term for t in terms if lexicon.misspelling_of(t.term)] == []


def test_counts_and_spelling():
    lexicon = Lexicon.shipped()
    assert lexicon.count("the") > lexicon.count("vSphere") > 0 == lexicon.count("qqqzzz")
    assert lexicon.spelling("VSPHERE") == "vSphere"
    assert lexicon.spelling("Table") == "Table"


def test_a_users_file_adds_to_the_shipped_lexicon(tmp_path):
    path = tmp_path / "domain.tsv"
    path.write_text("# ours\nterm\tcount\treplace_by\nFrobnicator\t12\nzorkmid\t3\n\nfoobaz\t1\tfoo bar\n", encoding="utf-8")
    lexicon = Lexicon.load(path)
    assert "frobnicator" in lexicon
    assert "the" in lexicon
    assert "foobaz" not in lexicon
    assert lexicon.replacements == {"foobaz": "foo bar"}
    assert lexicon.suggest("frobnictaor")[0].term == "Frobnicator"
    assert lexicon.fingerprint != Lexicon.shipped().fingerprint
    copy = pickle.loads(pickle.dumps(lexicon))
    assert copy.fingerprint == lexicon.fingerprint
    assert "zorkmid" in copy


def test_what_is_written_is_read_back(tmp_path):
    terms = [Term("a-b", 3, 2), Term("Zürich"), Term("x", 1, 1, "y z")]
    write_terms(tmp_path / "t.tsv", terms)
    assert read_terms(tmp_path / "t.tsv") == terms


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"good\t1\nbad word\t1\n", ":2:"),
        (b"good\t-1\n", ":1: count"),
        (b"good\t1\nmore\t99999999999999999\n", ":2: count"),
        (b"good\t1.5\n", "count '1.5'"),
        (b"x" * 1_000_000 + b"\t1\n", ":1:"),
        (b"good\t1\ngood\t2\n", "line 1"),
        (b"term\tcount\tcolour\ngood\t1\tred\n", "colour"),
        (b"good\t1\t1\tx\ty\n", "5 columns"),
        (b"\x80\x04\x95\x10\x00\x00\x00pickle", "not a text file"),
        (b"a\x00b", "not a text file"),
        (b"caf\xe9\t1\n", ":1: not UTF-8"),
        ("bell\u0007\t1\n".encode(), ":1:"),
        (b"x\t1\t1\t" + b"y" * 1000 + b"\n", ":1:"),
    ],
    ids=range(13),
)
def test_a_hostile_file_is_refused_with_file_and_line(tmp_path, content, says):
    path = tmp_path / "lexicon.tsv"
    path.write_bytes(content)
    with pytest.raises(LexiconError) as e:
        Lexicon.load(path)
    assert str(path) in str(e.value)
    assert says in str(e.value)
    assert len(str(e.value)) < 500


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.tsv"):
        with pytest.raises(LexiconError, match="cannot read"):
            Lexicon.load(path)
