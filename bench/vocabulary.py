"""What ``Preprocessor(vocabulary=...)`` does for an encoder: pieces that reach over the parts of a word, and retrieval.

    python bench/vocabulary.py ../shared VOCABULARY                        pieces, on the prose of the corpus
    python bench/vocabulary.py ../shared VOCABULARY --encoder MODEL_FOLDER  and retrieval, with the model (torch, transformers)

*Pieces.* The parts of a word are told without asking the stage: the humps of a name in camel case, and, for a word in one
piece, the two words as which the corpus itself writes it elsewhere (``data store``, at least three times). A piece crosses if
it begins before the border of two parts and ends behind it. Words in code do not count.

*Retrieval.* Sentences of the documentation that the stage splits a word of are queries; the document to be found is the rest of
the section, among all of those and others. Texts are cleaned first. Four ways to write them are compared: both sides as they
are, both split, and (two words meet one word) either side alone. No word stands in many queries, so that none decides it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import results
from tables import table

from vnlp_prep import Preprocessor
from vnlp_prep.lexicon.wordpiece import INNER, WordPieces
from vnlp_prep.words import fences, word_spans

_CAMEL = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+")
_HUMP = re.compile(r"[A-Z][a-z]+")
_EDGES = "\"'()“”‘’*.,;:!?…"
_HEADING = re.compile(r"^#{1,6}[ \t].*$", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_ATTESTED = 3  # times that the corpus writes two words, for one to count as made of them
_SECTION, _A_WORD = 150, 60  # words of a section that are used; queries for one word
_MAX_TOKENS = 128  # as the encoder was trained
_RESAMPLES = 2000
_NAMES_TOO = 0.6  # the threshold from which on names are split as well
_RULES = ("encoder-compound", "encoder-camel")


class Query(NamedTuple):
    """A sentence and the text that it should find, as they are and split; what is split in the sentence, and by which rules."""

    text: str
    split_text: str
    body: str
    split_body: str
    words: frozenset[str]
    rules: frozenset[str]


def documents(shared: Path, share: float) -> Iterator[str]:
    """The Markdown documents of the corpus; of them a share, the same ones every time."""
    with gzip.open(shared / "data" / "corpus" / "vmware_docs.jsonl.gz") as lines:
        for line in lines:
            d = json.loads(line)
            if d["format"] == "md" and int(hashlib.sha256(d["id"].encode()).hexdigest()[:8], 16) < share * 2**32:
                yield d["text"]


def prose(text: str) -> str:
    """The text without blocks of code, tables and lines of markup."""
    at, kept = 0, []
    for start, end in fences(text):
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return "\n".join(line for line in "".join(kept).split("\n") if not line.lstrip().startswith(("|", "<", "{", "---", "![")))


def words(text: str) -> Iterator[str]:
    """Plain words and names in camel case."""
    for token in text.split():
        spans = word_spans(token)
        if spans:
            yield from (token[a:b] for a, b in spans)
        elif _CAMEL.fullmatch(token.strip(_EDGES)):
            yield token.strip(_EDGES)


class Pieces:
    """Counts of words, pieces, and pieces that cross, of many texts."""

    def __init__(self, vocabulary: WordPieces, two_words: frozenset[tuple[str, str]]) -> None:
        self.vocabulary, self.two_words = vocabulary, two_words
        self.words = self.pieces = 0
        self.crossing: Counter[str] = Counter()
        self._seen: dict[str, tuple[int, str, int]] = {}

    def add(self, texts: Iterable[str]) -> Pieces:
        """Count texts. Returns itself."""
        for text in texts:
            for word in words(text):
                if word not in self._seen:
                    self._seen[word] = self._measured(word)
                n, kind, crossing = self._seen[word]
                self.words += 1
                self.pieces += n
                self.crossing[kind] += crossing
        return self

    def _measured(self, word: str) -> tuple[int, str, int]:
        pieces = self.vocabulary.pieces(word)
        kind, borders = self._borders(word)
        at = crossing = 0
        if len(pieces) > 1:
            for piece in pieces:
                end = at + len(piece.removeprefix(INNER)) if at else len(piece)
                crossing += any(at < border < end for border in borders)
                at = end
        return max(1, len(pieces)), kind, crossing

    def _borders(self, word: str) -> tuple[str, list[int]]:
        if _CAMEL.fullmatch(word):
            return "camel case", [m.start() for m in _HUMP.finditer(word)][1:]
        low = word.lower()
        return "compounds", [i for i in range(3, len(low) - 2) if (low[:i], low[i:]) in self.two_words]


def attested(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """Pairs of neighbouring words in the texts, seen often enough."""
    counts: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for line in text.lower().split("\n"):
            counts.update((a, b) for a, b in pairwise(line.split()) if a.isalpha() and b.rstrip(".,;:!?)").isalpha())
    return frozenset((a, b.rstrip(".,;:!?)")) for (a, b), n in counts.items() if n >= _ATTESTED)


def queries(texts: Iterable[str], prep: Preprocessor) -> tuple[list[Query], list[str]]:
    """Sentences that are split, with the rest of their sections; and other sections, to be found among."""
    found: list[Query] = []
    others: list[str] = []
    times: Counter[str] = Counter()
    seen: set[str] = set()
    for text in texts:
        for section in _HEADING.split(text)[1:]:
            body = " ".join(section.split()[:_SECTION])
            if not any(e.rule in _RULES for e in prep.clean(body).edits):
                others.append(body)
                continue
            sentences = _SENTENCE.split(body)
            for i, sentence in enumerate(sentences):
                rest = " ".join(sentences[:i] + sentences[i + 1 :])
                if sentence in seen or not 6 <= len(sentence.split()) <= 40 or len(rest.split()) < 15:
                    continue
                doc = prep.clean(sentence)
                edits = [e for e in doc.edits if e.rule in _RULES]
                words = frozenset(e.before.lower() for e in edits)
                if not words or min(times[w] for w in words) >= _A_WORD:
                    continue
                seen.add(sentence)
                times.update(words)
                found.append(Query(sentence, doc.text, rest, prep(rest), words, frozenset(e.rule for e in edits)))
                break  # a second document out of the same section would be its double
    others = sorted({b for b in others if len(b.split()) >= 30}, key=lambda b: hashlib.sha256(b.encode()).digest())
    return found, others


class Encoder:
    """Mean-pooled, normalised embeddings of a BERT-like model; each text is encoded once."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(2)
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModel.from_pretrained(folder).eval()
        self._done: dict[str, np.ndarray[Any, Any]] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """A row for each text."""
        new = sorted(set(texts).difference(self._done), key=len)
        for at in range(0, len(new), 64):
            batch = new[at : at + 64]
            tokens = self._tokenizer(batch, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
            with self._torch.inference_mode():
                hidden = self._model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            for text, vector in zip(batch, self._torch.nn.functional.normalize(pooled).numpy(), strict=True):
                self._done[text] = vector
            if at % 1280 == 0:
                print(f"{at}/{len(new)}", file=sys.stderr)
        return np.stack([self._done[text] for text in texts])


def reciprocal_ranks(queries: np.ndarray[Any, Any], bodies: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """1 / rank of each query's document, that of the same number, among all; 0 below rank 10."""
    scores = queries @ bodies.T
    own = scores.diagonal()
    ranks = 1 + (scores > own[:, None]).sum(1)
    return np.where(ranks <= 10, 1 / ranks, 0.0)


def interval(difference: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The 95 % interval of the mean, from resampled queries (fixed seed)."""
    rng = np.random.default_rng(0)
    means = [difference[rng.integers(0, len(difference), len(difference))].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def retrieval(
    found: Sequence[Query], others: Sequence[str], encoder: Callable[[Sequence[str]], np.ndarray[Any, Any]]
) -> list[dict[str, Any]]:
    """Recall@1 and MRR@10 of each way to write queries and documents, for each group of queries."""
    rest = encoder(others)
    one_q, two_q = encoder([q.text for q in found]), encoder([q.split_text for q in found])
    one_b, two_b = (np.concatenate([encoder(texts), rest]) for texts in ([q.body for q in found], [q.split_body for q in found]))
    ranks = {
        "both as they are": reciprocal_ranks(one_q, one_b),
        "both split": reciprocal_ranks(two_q, two_b),
        "only the query split": reciprocal_ranks(two_q, one_b),
        "only the documents split": reciprocal_ranks(one_q, two_b),
    }
    rows: list[dict[str, Any]] = []
    for rule in _RULES:
        mine = [i for i, q in enumerate(found) if q.rules == {rule}]
        has = {i for i in mine if any(w in found[i].body.lower() for w in found[i].words)}
        for group, at in (("all", mine), ("the document has the word", sorted(has)), ("it has not", sorted(set(mine) - has))):
            if len(at) < 20:
                continue
            both = ranks["both split"][at]
            for way, rr in ranks.items():
                ahead = both - rr[at]
                low, high = interval(ahead)
                rows.append({
                    "rule": rule, "group": group, "queries": len(at), "way": way, "recall@1": float((rr[at] == 1).mean()),
                    "MRR@10": float(rr[at].mean()), "both split, against it": float(ahead.mean()), "low": low, "high": high,
                })  # fmt: skip
    return rows


def main() -> None:
    """Measure, print tables, keep the figures in ``bench/results``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, help="the folder with data/corpus")
    parser.add_argument("vocabulary", type=Path, help="vocab.txt, tokenizer.json or the model's folder")
    parser.add_argument("--encoder", type=Path, help="folder of a BERT-like model, for retrieval")
    parser.add_argument("--share", type=float, default=1.0, help="of the documents, 0 to 1")
    parser.add_argument("--others", type=int, default=2000, help="other sections to find among")
    args = parser.parse_args()
    vocabulary = WordPieces.load(args.vocabulary)
    plain, splitting = Preprocessor(), Preprocessor(stages=("compounds",), vocabulary=vocabulary)
    names_too = Preprocessor(stages=("compounds",), vocabulary=vocabulary, threshold=_NAMES_TOO)
    cleaned = [plain(prose(text)) for text in documents(args.shared, args.share)]
    two_words = attested(cleaned)
    after = [splitting(text) for text in cleaned]
    counts = [Pieces(vocabulary, two_words).add(texts) for texts in (cleaned, after, map(names_too, cleaned))]
    figures: dict[str, Any] = {"date": results.today(), "documents": len(cleaned), "pieces": len(vocabulary)}
    for name, c in zip(("before", "after", "names too"), counts, strict=True):
        figures[name] = {"words": c.words, "pieces": c.pieces, "crossing": dict(c.crossing)}
    print(table(("", "before", "after", "names too"), [
        ("words", *(str(c.words) for c in counts)),
        ("pieces", *(str(c.pieces) for c in counts)),
        ("pieces per word before the split", *(f"{c.pieces / counts[0].words:.4f}" for c in counts)),
        *((f"pieces that cross, {kind}", *(str(c.crossing[kind]) for c in counts)) for kind in ("compounds", "camel case")),
    ]))  # fmt: skip
    if args.encoder:
        found, others = queries(cleaned, names_too)
        figures["others"] = len(others[: args.others])
        figures["retrieval"] = rows = retrieval(found, others[: args.others], Encoder(args.encoder))
        print(table(
            ("rule", "queries", "n", "", "recall@1", "MRR@10", "both split, against it", "95 %"),
            [
                (r["rule"], r["group"], str(r["queries"]), r["way"], f"{r['recall@1']:.3f}", f"{r['MRR@10']:.3f}",
                 f"{r['both split, against it']:+.4f}", f"{r['low']:+.4f} to {r['high']:+.4f}") for r in rows
            ],
        ))  # fmt: skip
    results.save("vocabulary", figures)


if __name__ == "__main__":
    main()
