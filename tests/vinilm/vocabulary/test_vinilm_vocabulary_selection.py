"""Choosing terms by what they save: exact, each with those before it in place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vinilm.vocabulary.selection import Segmentation, select
from vnlp_prep.lexicon.wordpiece import WordPieces

PIECES = ("a", "b", "c", "ab", "abc", "ba", "##a", "##b", "##c", "##bc", "##ab", "##cab")
WORDS = st.text("abc", min_size=1, max_size=7)
TYPES = st.dictionaries(WORDS, st.tuples(st.integers(1, 9), st.integers(1, 30)), min_size=1, max_size=25)


def cost(types, pieces, which):
    vocabulary = WordPieces(pieces, lower_case=False)
    return sum(n[which] * (len(vocabulary.pieces(word)) or 1) for word, n in types.items())


@given(TYPES, st.lists(WORDS, max_size=5, unique=True))
def test_words_are_cut_as_the_larger_vocabulary_cuts_them(types, terms):
    segmentation = Segmentation(types, WordPieces(PIECES, lower_case=False))
    have = list(PIECES)
    for term in terms:
        saved = segmentation.saved(term)
        before = [cost(types, have, which) for which in (0, 1)]
        if term not in have:
            have.append(term)
        segmentation.add(term)
        assert saved == tuple(b - cost(types, have, which) for which, b in enumerate(before))
    vocabulary = WordPieces(have, lower_case=False)
    assert {w: segmentation.pieces_of(w) for w in types} == {w: len(vocabulary.pieces(w)) for w in types}


@given(TYPES, st.integers(0, 6))
def test_each_term_is_the_best_one_with_those_before_it_in_place(types, count):
    vocabulary = WordPieces(PIECES, lower_case=False)
    candidates = [w for w in types if len(vocabulary.pieces(w)) > 1]
    chosen = select(types, vocabulary, candidates, count)
    have, expected = list(PIECES), []
    while len(expected) < count:  # the plainest way to do it
        before = [cost(types, have, which) for which in (0, 1)]
        gains = {c: [b - cost(types, [*have, c], which) for which, b in enumerate(before)] for c in candidates}
        good = [c for c, (score, saved) in gains.items() if score > 0 and saved > 0]
        if not good:
            break
        best = min(good, key=lambda c: (-gains[c][0], c))
        expected.append((best, *gains[best]))
        have.append(best)
        candidates.remove(best)
    assert [(t.term, t.score, t.saved) for t in chosen] == expected
    assert sum(t.saved for t in chosen) == cost(types, PIECES, 1) - cost(types, have, 1)


@given(TYPES, st.integers(0, 6), st.sampled_from([1, 20]))
def test_a_few_terms_and_then_the_others_are_the_same_as_all(types, few, more):
    # Where some words are frequent in few documents, what saves by documents does not always save by occurrences.
    types = {w: (d, n * more if i % 3 == 0 else n) for i, (w, (d, n)) in enumerate(sorted(types.items()))}

    def chosen(before, count):
        vocabulary = WordPieces((*PIECES, *before), lower_case=False)
        candidates = [w for w in types if len(vocabulary.pieces(w)) != 1]
        return [t.term for t in select(types, vocabulary, candidates, count)]

    all_terms = chosen((), len(types))
    assert chosen(all_terms, len(types)) == []
    first = chosen((), few)
    assert first == all_terms[:few]
    assert first + chosen(first, len(types)) == all_terms


def test_a_term_that_was_not_worth_it_comes_back_when_a_relative_makes_it_so():
    # "ab" costs "abcde" more than it saves, until that is a term itself.
    vocabulary = WordPieces("a ##b ##bc ##c ##d ##bcd ##e ##bcde".split(), lower_case=False)
    types = {"ab": (9, 9), "abcde": (2, 90)}
    assert [t.term for t in select(types, vocabulary, ["ab", "abcde"], 9)] == ["abcde", "ab"]


def test_a_form_of_a_term_counts_what_it_still_saves():
    vocabulary = WordPieces("data datas ##tore ##s ##host host ##e x ##y".split(), lower_case=False)
    types = {"datastore": (10, 100), "datastores": (8, 50), "xyyy": (9, 20)}
    chosen = select(types, vocabulary, types, 9)
    assert [(t.term, t.score) for t in chosen] == [("xyyy", 27), ("datastore", 18), ("datastores", 8)]
    assert chosen[2].pieces == ("datas", "##tore", "##s")  # without any of the terms
    assert [t.term for t in select(types, vocabulary, types, 2)] == ["xyyy", "datastore"]


def test_a_term_that_costs_other_words_more_is_not_taken():
    pieces = "mis misc carriage ##carriage ##c ##arriage ##a m ##i ##s".split()
    vocabulary = WordPieces([p for p in pieces if p != "misc"], lower_case=False)
    types = {"misc": (5, 5), "miscarriage": (20, 20)}
    # With "misc", "miscarriage" is "misc ##arriage": as long as before. Without that piece it would be longer.
    assert [t.term for t in select(types, vocabulary, ["misc"], 9)] == ["misc"]
    worse = WordPieces("mis ##carriage ##c ##a ##r ##i ##g ##e".split(), lower_case=False)
    assert select(types, worse, ["misc"], 9) == []


def test_a_term_that_would_make_a_word_unknown_is_not_taken():
    vocabulary = WordPieces(["ab", "a", "##b", "##cd"], lower_case=False)
    types = {"ab": (1, 1), "abc": (9, 9), "abcd": (1, 1)}
    assert vocabulary.pieces("abc") == ()
    assert select(types, vocabulary, ["abc"], 9) == []  # "abcd" would be lost, and "abc" is one token already, [UNK]


def test_a_term_that_saves_nothing_all_in_all_is_not_taken():
    # More documents, but fewer occurrences: it would make the corpus longer.
    vocabulary = WordPieces("a ##b ##bc ##c ##d ##bcd ##e ##bcde".split(), lower_case=False)
    types = {"ab": (9, 9), "abcde": (2, 90)}
    assert vocabulary.pieces("abcde") == ("a", "##bcde")
    assert select(types, vocabulary, ["ab"], 9) == []


def test_equals_go_by_the_alphabet_and_the_choice_has_no_other_order():
    vocabulary = WordPieces(["x", "y", "##x", "##y"], lower_case=False)
    types = {"xy": (2, 2), "yx": (2, 2), "xx": (2, 2)}
    for names in (["xy", "yx", "xx"], ["yx", "xx", "xy"]):
        assert [t.term for t in select(types, vocabulary, names, 3)] == ["xx", "xy", "yx"]
