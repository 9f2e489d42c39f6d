"""Learning a lexicon: what is counted, what is decided, how it is written."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vnlp_prep import Lexicon
from vnlp_prep.lexicon.learning import count
from vnlp_prep.lexicon.learning.count import Counts, Word
from vnlp_prep.lexicon.learning.decide import decide
from vnlp_prep.lexicon.learning.variants import dominant_spelling, variants

CASES = json.loads((Path(__file__).resolve().parents[1] / "cases" / "learn.json").read_text(encoding="utf-8"))
LEXICON = Lexicon(domain=False)


def each(name):
    return pytest.mark.parametrize("case", CASES[name], ids=[case["label"] for case in CASES[name]])


def corpus(words, lexicon=LEXICON, sources=False):
    """Counts of documents that have each phrase so often, in so many of them."""
    texts = {}
    for phrase, (n, documents) in words.items():
        for i in range(n):
            texts.setdefault(i % documents, []).append(f"We use the {phrase} here.")
    counts = Counts()
    for i in sorted(texts):
        counts.add(["\n".join(texts[i])], lexicon, i % 7 if sources else None)
    return counts


def kinds(counts, lexicon=LEXICON):
    return {d.term.lower(): d.kind for d in decide(counts, lexicon)}


@each("decided")
@pytest.mark.parametrize("sources", [False, True])
def test_decided(case, sources):
    found = kinds(corpus({**case["words"], **case.get("phrases", {})}, sources=sources))
    assert {word: found.get(word) for word in case["expect"]} == case["expect"]


@each("spelled")
def test_spelled(case):
    assert dominant_spelling(Word(spellings=case["spellings"], inside=case["inside"])) == case["spelling"]


@each("prose")
def test_only_prose_is_counted(case):
    counts = Counts()
    counts.add([case["text"]], LEXICON)
    expected = {}
    for word in case["words"]:
        expected[word] = expected.get(word, 0) + 1
    assert {s: n for w in counts.words.values() for s, n in w.spellings.items()} == expected


def test_a_decision_says_why():
    (decision,) = [d for d in decide(corpus({"gizmoid": [400, 50], "gimzoid": [4, 4]}), LEXICON) if d.term == "gimzoid"]
    assert (decision.of, decision.count, decision.documents) == ("gizmoid", 4, 4)
    assert "gizmoid" in decision.why
    assert "times as frequent" in decision.why


def test_split_and_joined_variants_are_counted():
    counts = corpus({"datashore": [30, 10], "data shore": [20, 10], "data-shore": [4, 4]})
    assert variants("datashore", counts) == {"data shore": 20, "data-shore": 4}
    assert variants("data-shore", counts) == {"datashore": 30, "data shore": 20}


@pytest.mark.parametrize(("documents", "needed"), [(50, 3), (2_000, 4), (20_000, 5)])
def test_a_larger_corpus_needs_more_documents_for_a_term(documents, needed):
    counts = corpus({f"{'zyx'[n % 3]}ork{'abcdefgh'[n]}ulid": [n, n] for n in range(1, 8)})
    counts.documents = documents
    assert min(counts.words[word].documents for word, kind in kinds(counts).items() if kind == "term") == needed


def test_a_name_that_stands_in_code_only_needs_many_documents():
    texts = ["Run `zorkctl get` on it."]
    for n, expected in ((7, None), (8, "term")):
        counts = Counts()
        for _ in range(n):
            counts.add(texts, LEXICON)
        assert kinds(counts).get("zorkctl") == expected


def test_one_source_is_less_evidence_than_two():
    counts = Counts()
    for i in range(3):
        counts.add(["The zorkmid is here."], LEXICON, 0)
        counts.add(["The gizmoid is here."], LEXICON, i)
    found = kinds(counts)
    assert "zorkmid" not in found
    assert found["gizmoid"] == "term"


def test_what_a_person_replaces_is_no_term():
    from vnlp_prep.lexicon.files import Term

    lexicon = Lexicon([Term("gizmoo", replace_by="gizmo")])
    assert kinds(corpus({"gizmoo": [9, 9]}, lexicon), lexicon)["gizmoo"] == "misspelling"


def test_without_the_shipped_terms_only_english_is_known():
    assert "kubeapps" in Lexicon()
    assert "kubeapps" not in LEXICON
    assert "configuration" in LEXICON
    assert LEXICON.spelling("vsphere") == "vsphere"
    assert LEXICON.fingerprint != Lexicon().fingerprint
    assert pickle.loads(pickle.dumps(LEXICON)).fingerprint == LEXICON.fingerprint


def test_a_term_with_a_hyphen_is_known_but_nothing_is_corrected_to_it():
    from vnlp_prep.lexicon.files import Term

    lexicon = Lexicon([Term("frob-nix", 900, 90), Term("frobnixer", 900, 90)])
    assert "frob-nix" in lexicon
    found = [s.term for s in lexicon.suggest("frobnixr")]
    assert found[0] == "frobnixer"
    assert "frob-nix" not in found


def test_counts_of_parts_are_the_counts_of_the_whole():
    texts = [f"The zork{i % 5} and the gizmo talk to Zork." for i in range(40)]
    whole, parts = Counts(), Counts()
    for text in texts:
        whole.add([text], LEXICON, 1)
    for i in range(0, 40, 7):
        part = Counts()
        for text in texts[i : i + 7]:
            part.add([text], LEXICON, 1)
        parts.merge(part)
    assert parts.words == whole.words
    assert parts.pairs == whole.pairs
    assert (parts.documents, parts.total) == (whole.documents, whole.total)


def test_memory_is_bounded_by_forgetting_the_rarest():
    counts = Counts(max_types=50, max_pairs=50)
    rng = random.Random(1)
    for _ in range(300):
        rare = "".join(rng.choices("bcdfgaeiou", k=9))
        counts.add([f"The frobnicator reads {rare} and more."], LEXICON)
        assert len(counts.words) <= 50
        assert len(counts.pairs) <= 50
    assert counts.words["frobnicator"].documents == 300
    assert counts.forgotten > 200


def test_many_sources_share_the_last_bit():
    counts = Counts()
    for i in range(count.MAX_SOURCES + 50):
        counts.add(["The zork is here."], LEXICON, i)
    assert counts.words["zork"].source_count == count.MAX_SOURCES


WORDS = sorted(
    w for w in "configuration directory management cluster network storage machine template deployment controller "
    "certificate gateway operator snapshot scheduler dashboard inventory endpoint replica credential".split()
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    word=st.sampled_from(WORDS),
    place=st.integers(0, 100),
    kind=st.sampled_from(("drop", "double", "swap", "replace")),
    letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz"),
    documents=st.integers(3, 12),
    often=st.integers(12, 60),
)
def test_a_misspelling_never_becomes_a_term(word, place, kind, letter, documents, often):
    i = 1 + place % (len(word) - 2)
    typo = {
        "drop": word[:i] + word[i + 1 :],
        "double": word[:i] + word[i] + word[i:],
        "swap": word[:i] + word[i + 1] + word[i] + word[i + 2 :],
        "replace": word[:i] + letter + word[i + 1 :],
    }[kind]
    counts = corpus({word: [documents * often, 40], typo: [documents, documents]})
    if typo in LEXICON:
        return
    assert kinds(counts).get(typo) != "term"


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_counted(text):
    counts = Counts()
    counts.add([text], LEXICON)
    for low, word in counts.words.items():
        assert low == low.lower()
        assert word.count == sum(word.spellings.values())
        assert all(word.inside[s] <= word.spellings[s] for s in word.inside)


@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, "a-" * 500_000, "a." * 500_000, "`" * 200_000, "<" * 200_000, "the zork " * 100_000, "(" * 1_000_000],
    ids=["letters", "hyphens", "dots", "ticks", "angles", "one line", "brackets"],
)
def test_a_hostile_text_is_counted_in_bounded_memory(text):
    counts = Counts()
    counts.add([text], LEXICON)
    assert len(counts.words) < 1000
    assert all(len(low) <= 40 for low in counts.words)
