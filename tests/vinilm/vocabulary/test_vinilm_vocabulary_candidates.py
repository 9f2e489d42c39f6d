"""What is counted of documents, and which of their words may become terms."""

from __future__ import annotations

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vocabulary_models import WORDS, unique

from vinilm.vocabulary.candidates import find_candidates
from vinilm.vocabulary.counting import CorpusCounts, DocumentCounter, is_heldout
from vinilm.vocabulary.words import WordCounts, WordSplitter, has_letter, piece_count
from vnlp_prep import Lexicon, Preprocessor
from vnlp_prep.lexicon.wordpiece import WordPieces

tokenizers = pytest.importorskip("tokenizers")
VOCABULARY = WordPieces(unique(WORDS), lower_case=False)


def splitter(**settings) -> WordSplitter:
    return WordSplitter(tokenizers.normalizers.BertNormalizer(**settings), tokenizers.pre_tokenizers.BertPreTokenizer())


def counted(texts, *, lexicon=None, heldout=0.0, clean=True, **settings):
    prep = Preprocessor(lexicon=lexicon) if lexicon else Preprocessor()
    counter = DocumentCounter(splitter(**settings), VOCABULARY, prep.lexicon, prep if clean else None, heldout)
    counts, failed = counter([([text], None) for text in texts])
    assert not failed
    return counts


def candidates(texts, min_documents=5, **options):
    lexicon = options.get("lexicon") or Lexicon.shipped()
    return find_candidates(counted(texts, **options), VOCABULARY, lexicon, min_documents)


def reasons(found) -> dict[str, str]:
    return {word: reason for reason, words in found.left_out.items() for word in words}


# --- words ---------------------------------------------------------------------------------------------------------------


@given(st.text(max_size=60))
def test_words_are_those_of_the_tokenizer(text):
    whole = splitter()
    normalized = whole._normalizer.normalize_str(text)
    expected = [word for word, _ in whole._splitter.pre_tokenize_str(normalized)]
    assert whole.split(text) == expected
    assert sorted(whole.words(text).elements()) == sorted(expected)


def test_words_are_cut_at_punctuation_and_lower_cased():
    assert splitter().split("vmware-tanzu's VMware_Tools, café IPv6") == "vmware - tanzu ' s vmware _ tools , cafe ipv6".split()
    assert splitter(lowercase=False).split("VMware café") == ["VMware", "café"]
    copy = pickle.loads(pickle.dumps(splitter()))
    assert copy.split("A b-C") == ["a", "b", "-", "c"]


def test_counts_in_parts_are_those_of_the_whole():
    chance = random.Random(4)
    texts = [" ".join(chance.choices(["data", "datastore", "host", "7", "x1", "," * 3], k=20)) for _ in range(40)]
    whole, parts = CorpusCounts(), CorpusCounts()
    for part in (texts[:9], texts[9:30], texts[30:]):
        parts.merge(pickle.loads(pickle.dumps(counted(part, heldout=0.3))), VOCABULARY)
    whole.merge(counted(texts, heldout=0.3), VOCABULARY)
    for name in ("words", "heldout"):
        assert vars(getattr(whole, name)) == vars(getattr(parts, name))
    assert whole.documents == 40
    assert whole.heldout.documents
    assert whole.prose.words == parts.prose.words


def test_rare_words_are_forgotten_but_their_pieces_count():
    counts = WordCounts(max_types=10)
    full = WordCounts()
    for i in range(30):
        document = {"datastore": 2, f"host{i}": 1, "data": 1, "12": 1}
        counts.add(document, VOCABULARY)
        full.add(document, VOCABULARY)
    assert len(counts.types) <= 10
    assert counts.types["datastore"] == (30, 60)
    assert counts.forgotten == 30 + 2 - len(counts.types)
    kept = sum(n for _, n in counts.types.values())
    assert kept + counts.other_words == sum(n for _, n in full.types.values())
    kept = sum(n * piece_count(w, VOCABULARY) for w, (_, n) in counts.types.items())
    assert kept + counts.other_pieces == sum(n * piece_count(w, VOCABULARY) for w, (_, n) in full.types.items())
    assert counts.other_tokens == full.other_tokens > 0
    assert not has_letter("12")


def test_what_is_held_out_depends_on_the_text_alone():
    texts = [f"document {i}" for i in range(400)]
    held = {t for t in texts if is_heldout([t], 0.2)}
    assert 40 < len(held) < 120
    assert held <= {t for t in texts if is_heldout([t], 0.5)}
    assert not any(is_heldout([t], 0.0) for t in texts)
    counts = counted(texts, heldout=0.2)
    assert counts.heldout.documents == len(held)
    assert "datastore" not in counted(["The datastore is on it."], heldout=0.999).words.types


def test_a_document_that_cannot_be_counted_costs_no_other():
    class Refusing:
        def __call__(self, text):
            if "bad" in text:
                raise RuntimeError("no")
            return text

    counter = DocumentCounter(splitter(), VOCABULARY, Lexicon.shipped(), Refusing(), 0.0)
    counts, failed = counter([(["good"], None), (["bad"], None), (["good too"], None)])
    assert [i for i, _ in failed] == [1]
    assert counts.documents == 2
    assert set(counts.words.types) == {"good", "too"}


# --- candidates ----------------------------------------------------------------------------------------------------------


def test_terms_are_words_of_prose_in_enough_documents():
    texts = [f"The datastore of the host is on it when they use it, in the year {i}." for i in range(5)]
    assert candidates(texts).words == ["datastore", "year"]
    assert candidates(texts, min_documents=6).words == []
    # The same, but in code: it saves as much, and nobody calls it a term.
    code = [f"Use it on the host for the data:\n\n```\nmount datastore --to {i}\n```\n" for i in range(5)]
    assert "datastore" not in candidates(code).words


def test_words_of_other_letters_are_left_out_and_said():
    texts = ["The Maßnahme of the host is the виртуализация of the datastore, and µservices are cafés."] * 5
    found = candidates(texts)
    assert "datastore" in found.words
    assert found.left_out["other letters"] == ["maßnahme", "µservices", "виртуализация"]
    assert candidates(texts, min_documents=6).left_out == {}


def test_slips_are_no_terms():
    right = ["They recommend the namespace and the environment of the host for each of the servers."] * 40
    wrong = ["They recomend the namepsace and the enviroment of the host for each of the servers."] * 6
    found = candidates(right + wrong)
    assert {"namespace", "recommend", "environment", "servers"} <= set(found.words)
    assert not {"namepsace", "recomend", "enviroment"} & set(found.words)
    # Not even where texts are taken as they are.
    assert not {"namepsace", "recomend", "enviroment"} & set(candidates(right + wrong, clean=False).words)


@pytest.mark.parametrize(
    "word",
    ["deadbeef12", "9f86d081884c7d65", "550e8400", "v1beta2", "server17", "aGVsbG8gd29ybGQ", "10gb", "xxxxxxxx"],
)
def test_data_is_no_term(word):
    found = candidates([f"They use the host {word} for each of the new servers when it is on." for _ in range(8)])
    assert word.lower() not in found.words


def test_names_of_code_are_no_terms():
    lexicon = Lexicon(domain=False)
    prose = "When they use the {} for each of the servers, it is on the new host."
    for name in ("MyPortGroupName", "virtualNetworkCardId", "HostConfigManagerSpec"):
        found = candidates([prose.format(name)] * 6, lexicon=lexicon)
        assert reasons(found)[name.lower()] == "name of code", name
    # One that documents speak of often is the name of something; one that stands in code nearly always is not.
    assert "portgroupmanager" in candidates([prose.format("PortGroupManager")] * 25, lexicon=lexicon).words
    rare = [prose.format("PortGroupManager") + "\n\n```\n" + "x = PortGroupManager()\n" * 30 + "```\n"] * 25
    assert reasons(candidates(rare, lexicon=lexicon))["portgroupmanager"] == "name of code"
    for name in ("vCenter", "PVCs", "mTLS"):
        assert name.lower() in candidates([prose.format(name)] * 6, lexicon=lexicon).words, name


def test_a_word_that_the_cleaner_doubts_needs_more_documents():
    lexicon = Lexicon(domain=False)
    prose = "When they use the {} for each of the servers, it is on the new host."
    assert reasons(candidates([prose.format("virtualservice")] * 6, lexicon=lexicon, clean=False))["virtualservice"] in (
        "may be a slip",
        "run-together",
    )
    assert "virtualservice" in candidates([prose.format("virtualservice")] * 30, lexicon=lexicon, clean=False).words


def test_short_words_and_words_with_digits_have_to_be_known_or_frequent():
    lexicon = Lexicon(domain=False)
    prose = "When they use the {} for each of the servers, it is on the new host."
    few = reasons(candidates([prose.format("qx and ext7 and t7")] * 6, lexicon=lexicon))
    assert few == {"qx": "too short", "ext7": "data", "t7": "no word"}
    many = candidates([prose.format("qx and ext7 and t7")] * 30, lexicon=lexicon)
    assert {"qx", "ext7"} <= set(many.words)
    assert reasons(many) == {"t7": "no word"}


def test_a_cased_vocabulary_has_a_candidate_for_each_spelling():
    texts = ["The Datastore of the host is a datastore when they use it for each of the servers."] * 6
    assert {"Datastore", "datastore"} <= set(candidates(texts, lowercase=False).words)
