"""What ``vinilm vocab`` saves on repositories that it never saw: word pieces per word, by scoring and by number of terms.

    python bench/terms.py ../shared MODEL

Terms are chosen by the documentation without the repositories in ``HELD_OUT``, and measured on these. Beside the scoring that is
used (documents times pieces saved) stand two others: occurrences, and repositories, times pieces saved. *General English* is what
the vocabulary does to 200,000 English words, each weighed by how frequent it is: what terms must not make worse.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import results
import wordfreq
from tables import table

from vinilm.models import open_model
from vinilm.vocabulary import CorpusCounts, TermChooser
from vinilm.vocabulary.candidates import find_candidates
from vinilm.vocabulary.report import fragmentation
from vinilm.vocabulary.selection import Segmentation, Term, select
from vinilm.vocabulary.words import WordCounts
from vnlp_prep.lexicon.wordpiece import WordPieces

HELD_OUT = (
    *("antrea-io/antrea", "cloudfoundry/docs-bosh", "goharbor/website", "vmware-tanzu/velero"),
    *("vmware/powercli-example-scripts", "wavefronthq/docs"),
)
_NUMBERS = (250, 500, 994)
_MIN_DOCUMENTS = 5
_ENGLISH = 200_000


def documents(shared: Path) -> Iterator[tuple[str, str]]:
    """Repository and text of each document."""
    with gzip.open(shared / "data" / "corpus" / "vmware_docs.jsonl.gz") as lines:
        for line in lines:
            d = json.loads(line)
            yield d["repo"].lower(), d["text"]


def general_english(vocabulary: WordPieces, terms: Sequence[Term]) -> dict[str, float]:
    """How the pieces of English words change: all together, weighed by frequency, and how many words become longer or shorter."""
    words = [w for w in wordfreq.top_n_list("en", _ENGLISH) if w.isascii() and w.isalpha()]
    types = {w: (1, round(wordfreq.word_frequency(w, "en") * 1e9)) for w in words}
    cut = Segmentation(types, vocabulary)
    before = {w: cut.pieces_of(w) for w in words}
    for term in terms:
        cut.add(term.term)
    total = sum(n * before[w] for w, (_, n) in types.items())
    return {
        "pieces": sum(n * cut.pieces_of(w) for w, (_, n) in types.items()) / total - 1,
        "longer": sum(cut.pieces_of(w) > before[w] for w in words),
        "shorter": sum(cut.pieces_of(w) < before[w] for w in words),
        "words": len(words),
    }


def main() -> None:
    """Measure, print tables, keep the figures in ``bench/results``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, help="the folder with data/corpus")
    parser.add_argument("model", help="a BERT model with unused places")
    args = parser.parse_args()
    chooser = TermChooser.of(open_model(args.model), heldout=0.0)
    counter, pieces = chooser.counter, chooser.files.pieces
    counts = CorpusCounts()
    repositories: dict[str, set[str]] = defaultdict(set)
    held: dict[str, WordCounts] = defaultdict(WordCounts)
    for repository, text in documents(args.shared):
        if repository in HELD_OUT:
            words = counter.splitter.words(counter.preprocessor(text) if counter.preprocessor else text)
            for group in ("all", repository):
                held[group].add(words, pieces)
        else:
            one = CorpusCounts()
            counter.add(one, [text])
            counts.merge(one, pieces)
            for word in one.words.types:
                repositories[word].add(repository)
    types = counts.words.types
    candidates = find_candidates(counts, pieces, counter.lexicon, _MIN_DOCUMENTS).words
    weights: Mapping[str, Mapping[str, tuple[int, int]]] = {
        "documents": types,
        "occurrences": {w: (n, n) for w, (_, n) in types.items()},
        "repositories": {w: (len(repositories[w]), n) for w, (_, n) in types.items()},
    }
    figures: dict[str, Any] = {"date": results.today(), "documents": counts.documents, "candidates": len(candidates)}
    rows = []
    for scoring, weighed in weights.items():
        terms = select(weighed, pieces, candidates, max(_NUMBERS))
        for number in _NUMBERS:
            before, after = fragmentation(held["all"], pieces, terms[:number])
            figures.setdefault("scoring", {}).setdefault(scoring, {})[number] = [before.to_dict(), after.to_dict()]
            less = after.pieces_per_word / before.pieces_per_word - 1
            rows.append((scoring, str(number), f"{before.pieces_per_word:.3f}", f"{after.pieces_per_word:.3f}", f"{less:+.1%}"))
    print(table(("pieces saved times", "terms", "before", "after", "change"), rows))
    terms = select(types, pieces, candidates, max(_NUMBERS))
    rows = []
    for group, found in sorted(held.items(), key=lambda item: -item[1].documents):
        a, b = fragmentation(found, pieces, terms)
        figures.setdefault("held out", {})[group] = [a.documents, a.to_dict(), b.to_dict()]
        less = f"{b.pieces_per_word / a.pieces_per_word - 1:+.1%}", f"{b.tokens / a.tokens - 1:+.1%}"
        rows.append((
            group, str(a.documents), str(a.words), f"{a.pieces_per_word:.3f}", f"{b.pieces_per_word:.3f}", less[0],
            f"{a.whole_share:.1%}", f"{b.whole_share:.1%}", less[1],
        ))  # fmt: skip
    header = ("held out", "documents", "words", "pieces per word", "after", "change", "one piece", "after", "tokens")
    print(table(header, rows))
    figures["general English"] = english = general_english(pieces, terms)
    print({name: round(value, 5) for name, value in english.items()})
    results.save("terms", figures)


if __name__ == "__main__":
    main()
