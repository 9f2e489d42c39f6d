"""The promises of the chain, kept on every document of a corpus and on damaged copies of each.

    python bench/promises.py corpus.jsonl.gz --limit 500

Reads JSONL (plain or ``.gz``). Every document is checked as it is and in four copies that are damaged with a fixed
seed: HTML-escaped, read with the wrong encoding, letters doubled, spaces dropped. Prints one row a promise, then the
first failures; exit status 0 when all are kept, 1 when not, 2 when the corpus cannot be read.

1 restore     ``restore()`` gives back the raw text, every edit's ``before`` stands at its span, spans map back
2 final       cleaning the result changes nothing
3 protected   no stage that works on words rewrites a protected span (of the text without HTML and Unicode damage)
4 repeatable  the same result from another instance, in two processes, in chunks of another size
7 robust      no exception, and a result that can be written as UTF-8
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import html
import json
import random
import re
import sys
import time
import traceback
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vnlp_prep import Cleaned, Edit, Preprocessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = 20261122
WORD_STAGES = ("repeats", "compounds", "spelling")
PROMISES = {
    "1 restore": "raw text and spans can be rebuilt from the edits",
    "2 final": "cleaning twice is cleaning once",
    "3 protected": "no word edit in a protected span",
    "4 repeatable": "same result in another instance, process, chunk",
    "7 robust": "no exception; result is valid UTF-8",
}


class Text(NamedTuple):
    """One text to check: the document it is from, what was done to it, and itself."""

    name: str
    copy: str
    text: str


# --- Texts ------------------------------------------------------------------------------------------------------------


def documents(path: Path, field: str, limit: int | None) -> Iterator[tuple[str, str]]:
    """Yield name and text of at most ``limit`` documents, spread evenly over the file."""
    step = 1
    if limit is not None:
        with _opened(path) as lines:
            step = max(1, -(-sum(1 for _ in lines) // max(1, limit)))
    with _opened(path) as lines:
        for number, line in enumerate(lines, 1):
            if (number - 1) % step == 0:
                record = json.loads(line)
                yield str(record.get("id", f"line {number}")), record[field]


def _opened(path: Path) -> gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def escaped(text: str, _: random.Random) -> str:
    """As a program that escapes HTML once too often leaves it."""
    return html.escape(text)


def misread(text: str, _: random.Random) -> str:
    """UTF-8 read as Windows-1252, with typographic apostrophes so that there is something to misread."""
    return text.replace("'", "\u2019").encode("utf-8", "replace").decode("cp1252", "replace")


def doubled(text: str, rng: random.Random) -> str:
    """One word in 50 gets a letter two, three or five times."""

    def stretch(m: re.Match[str]) -> str:
        word = m[0]
        if rng.random() >= 0.02:
            return word
        i = rng.randrange(len(word))
        return word[:i] + word[i] * rng.choice((2, 3, 5)) + word[i + 1 :]

    return re.sub(r"[A-Za-z]{3,}", stretch, text)


def run_together(text: str, rng: random.Random) -> str:
    """One space in 50 is lost."""
    return re.sub(r"(?<=[a-z]) (?=[a-z])", lambda _: " " if rng.random() >= 0.02 else "", text)


COPIES: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, _: text,
    "escaped": escaped,
    "misread": misread,
    "doubled letters": doubled,
    "dropped spaces": run_together,
}


def texts(path: Path, field: str, limit: int | None) -> Iterator[Text]:
    """Yield every document in all its copies; the same ones on every call."""
    for name, text in documents(path, field, limit):
        for copy, damage in COPIES.items():
            yield Text(name, copy, damage(text, random.Random(f"{SEED} {copy} {name}")))


# --- Checks -----------------------------------------------------------------------------------------------------------


def check_restore(doc: Cleaned) -> str | None:
    """Return what is wrong with the edits of ``doc``, or None."""
    if doc.restore() != doc.raw:
        return "restore() is not the raw text"
    at = shift = 0
    for e in doc.edits:
        if not at <= e.start < e.end <= len(doc.raw):
            return f"out of order or empty: {e}"
        if doc.raw[e.start : e.end] != e.before:
            return f"something else stands there: {e}"
        start = e.start + shift
        shift += len(e.after) - len(e.before)
        if doc.text[start : e.end + shift] != e.after:
            return f"replacement is not in the text: {e}"
        if e.after and doc.raw_span(start, e.end + shift) != (e.start, e.end):
            return f"raw_span misses: {e}"
        at = e.end
    for e in doc.suggestions:
        if doc.raw[e.start : e.end] != e.before:
            return f"something else stands there: {e}"
    return None


def check_protected(prep: Preprocessor, decode: Preprocessor, doc: Cleaned) -> str | None:
    """Return an edit of words in a span that is protected once HTML and Unicode damage are undone, or None."""
    edits = [e for e in doc.edits if e.stage in WORD_STAGES]
    if not edits:
        return None
    plain = decode.clean(doc.raw)
    i = 0
    for p in prep.protected(plain.text):
        # Sentence punctuation behind a protected token is no part of it.
        content = plain.text[p.start : p.end].rstrip("!?.\u2026")
        start, end = plain.raw_span(p.start, p.start + len(content))
        while i < len(edits) and edits[i].end <= start:
            i += 1
        if i < len(edits) and edits[i].start < end and not _kept(content, edits[i]):
            return f"{p.kind} {content[:80]!r}: {edits[i]}"
    return None


def _kept(content: str, e: Edit) -> bool:
    """Tell if the protected ``content`` comes out of ``e`` as it is, although they meet.

    An edit that has merged with the removal of a tag spans the whole tag, with all that is kept of it (``alt="..."``).
    A ruler that is a whole line may go, although a line without words counts as protected.
    """
    if e.rule == "ruler" and not any(c.isalnum() for c in e.before):
        return True
    return len(e.before) > len(content) and content in e.after


def run(path: Path, field: str, limit: int | None, workers: int) -> tuple[Counter[str], dict[str, list[str]], str]:
    """Check everything. Returns texts checked and failures by promise, and a line on the slowest text."""
    prep, decode = Preprocessor(), Preprocessor(stages=("html", "unicode"))
    checked: Counter[str] = Counter()
    failures: dict[str, list[str]] = {promise: [] for promise in PROMISES}
    results: list[bytes | None] = []
    slowest, which = 0.0, "-"
    prep("Teh frist textthat loads the lexicon.")  # not to be counted as the time of a document

    for t in texts(path, field, limit):
        where = f"{t.name} ({t.copy})"

        def note(promise: str, problem: str | None, where: str = where) -> None:
            checked[promise] += 1
            if problem:
                failures[promise].append(f"{where}: {problem}")

        try:
            began = time.process_time()
            doc = prep.clean(t.text)
            seconds = time.process_time() - began
            rate = seconds / max(len(t.text), 2_000) * 1e6
            if rate > slowest:
                slowest, which = rate, where
            encoded = doc.text.encode("utf-8")
            results.append(hashlib.sha256(encoded).digest())
            note("7 robust", None)
            note("1 restore", check_restore(doc))
            again = prep.clean(doc.text)
            note("2 final", str(again.edits[0]) if again.text != doc.text else None)
            note("3 protected", check_protected(prep, decode, doc))
        except Exception:  # whatever it is, it breaks a promise
            results.append(None)
            note("7 robust", traceback.format_exc(limit=-2).strip().replace("\n", " | "))

    other = Preprocessor()
    stream = other.pipe((t.text for t in texts(path, field, limit)), workers=workers, chunk_size=7)
    names = (f"{t.name} ({t.copy})" for t in texts(path, field, limit))
    for i, name in zip(count(), names, strict=False):
        if results[i] is None:
            break  # the stream would raise there as well
        checked["4 repeatable"] += 1
        if hashlib.sha256(next(stream).encode("utf-8")).digest() != results[i]:
            failures["4 repeatable"].append(f"{name}: another result")
    return checked, failures, f"slowest: {slowest:.2f} s per million characters, {which}"


def main() -> int:
    """Run the checks and print the table."""
    parser = argparse.ArgumentParser(description="Check the promises of the chain over a corpus.")
    parser.add_argument("corpus", type=Path, help="JSONL, plain or .gz")
    parser.add_argument("--field", default="text", help="the field that holds the text (default: text)")
    parser.add_argument("--limit", type=int, help="documents to check, spread evenly over the corpus (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="processes for promise 4 (default: 2)")
    parser.add_argument("--show", type=int, default=5, help="failures to print for each promise (default: 5)")
    options = parser.parse_args()
    if not options.corpus.is_file():
        print(f"{options.corpus}: no such file", file=sys.stderr)
        return 2
    checked, failures, slowest = run(options.corpus, options.field, options.limit, options.workers)
    print(f"{'promise':<14}{'checked':>9}{'failures':>10}  what")
    for promise, what in PROMISES.items():
        print(f"{promise:<14}{checked[promise]:>9}{len(failures[promise]):>10}  {what}")
    print(slowest)
    for promise, found in failures.items():
        for failure in found[: options.show]:
            print(f"\n{promise}: {failure}")
    return 1 if any(failures.values()) or not checked["4 repeatable"] else 0


if __name__ == "__main__":
    sys.exit(main())
