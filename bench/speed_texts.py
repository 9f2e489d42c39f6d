"""The texts of the speed benchmark: taken from the corpus, damaged on purpose, or made up. The same for the same seed."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
from pathlib import Path

SEED = 20261126
MB = 1_000_000
#: Of the words of a large input, those that no earlier text had.
NEW_WORDS = 0.002


@dataclass(frozen=True)
class Document:
    """A document of the corpus: its format (``md``, ``html``, ...) and its text as it stands in the file."""

    format: str
    text: str


def corpus_of(shared: Path) -> Path:
    """Return the corpus in ``shared``. Raises SystemExit if there is none."""
    found = sorted((shared / "data" / "corpus").glob("vmware_docs*.jsonl.gz"))
    if len(found) != 1:
        raise SystemExit(f"{shared}: there must be one data/corpus/vmware_docs*.jsonl.gz, and there are {len(found)}")
    return found[0]


def documents(corpus: Path) -> list[Document]:
    """Return the documents of the corpus in an order that is mixed, so that its beginning is a sample of all of it."""
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        found = [Document(record["format"], record["text"]) for record in map(json.loads, lines)]
    random.Random(SEED).shuffle(found)
    return found


def size_of(texts: Sequence[str]) -> int:
    """Return the bytes of the texts in UTF-8."""
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def first(texts: Sequence[str], size: float) -> list[str]:
    """Return the first of the texts: as many as have ``size`` bytes together, one at least."""
    out: list[str] = []
    for text in texts:
        if out and size <= 0:
            break
        out.append(text)
        size -= size_of([text])
    return out


# --- kinds of text -------------------------------------------------------------------------------------------------------


def prose(text: str) -> list[str]:
    """Return the plain paragraphs of a Markdown document: sentences without markup, code, links or tables."""
    text = re.sub(r"```.*?```|~~~.*?~~~|<!--.*?-->", "\n\n", text, flags=re.DOTALL)
    text = re.sub(r"\[([^\]\[\n]+)\]\([^)\n]*\)", r"\1", text)
    paragraphs = (re.sub(r"\*\*|__", "", " ".join(part.split())) for part in re.split(r"\n\s*\n", text))
    return [
        p for p in paragraphs if len(p) >= 60 and p[-1] in ".!?" and not re.search(r"[`<>|{}\[\]\\=#~^$@/&_*]|https?:|^\W", p)
    ]


def mojibake(text: str) -> str:
    """Return ``text`` with typographic quotes, its UTF-8 read as Windows-1252: ``It's`` is ``Itâ€™s``."""
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    text = re.sub(r'"([^"\n]*)"', r"“\1”", text)
    text = text.replace(" - ", " — ").replace("...", "…")
    if text.isascii():
        text = re.sub(r"(?<=\w)\.", "…", text, count=1) if "." in text else text + "…"
    return text.encode("utf-8").decode("latin-1").translate(_WINDOWS_1252)


# The five bytes that Windows-1252 leaves free are what browsers make of them: control characters.
_WINDOWS_1252 = {b: bytes([b]).decode("windows-1252", "ignore") or chr(b) for b in range(0x80, 0xA0)}


def chat(text: str, rng: random.Random) -> list[str]:
    """Return the sentences of ``text`` as hurried messages: typos, soooo, words runtogether, !!!!!."""
    return [_message(sentence.split(" "), rng) for sentence in re.split(r"(?<=[.!?]) +", text) if sentence]


def _message(words: list[str], rng: random.Random) -> str:
    out = []
    for word in words:
        roll = rng.random()
        if roll < 0.05 and len(word) > 4 and word.isalpha():
            word = _slip(word, rng)
        elif roll < 0.09 and (vowel := re.search(r"[aeiou](?=[a-z]*$)", word)):
            word = word[: vowel.end()] + vowel[0] * rng.randint(2, 6) + word[vowel.end() :]
        out.append(word)
        out.append("" if roll > 0.97 else " ")
    message = "".join(out).strip()
    if rng.random() < 0.4:
        message = message.rstrip(".!?") + rng.choice("!?") * rng.randint(3, 9)
    return message[0].lower() + message[1:] if rng.random() < 0.5 else message


def _slip(word: str, rng: random.Random) -> str:
    """Return ``word`` with a letter left out, doubled, or swapped with the next."""
    i = rng.randrange(1, len(word) - 1)
    return rng.choice((word[:i] + word[i + 1 :], word[:i] + word[i] + word[i:], word[:i] + word[i + 1] + word[i] + word[i + 2 :]))


_SYLLABLES = [c + v + end for c in "bdfgklmnprstvz" for v in "aeiou" for end in ("", "n")]
_WORDS = len(_SYLLABLES) ** 4


def invented(start: int = 0) -> Iterator[str]:
    """Yield words that nobody has seen: four syllables, each word once in 384 million."""
    for n in count(start):
        left = n * 104_729_441 % _WORDS  # has no factor with _WORDS in common, so that no word comes twice
        word = ""
        for _ in range(4):
            left, syllable = divmod(left, len(_SYLLABLES))
            word += _SYLLABLES[syllable]
        yield word


def unknown(text: str, words: Iterator[str]) -> str:
    """Return ``text`` with one of ``words`` in the place of each of its words; capitals stay."""

    def other(match: re.Match[str]) -> str:
        word = next(words)
        return word.capitalize() if match[0][0].isupper() else word

    return re.sub(r"[^\W\d_]+", other, text)


def _of_format(name: str, found: Sequence[Document]) -> Iterator[str]:
    return (doc.text for doc in found if doc.format == name)


def _prose_texts(found: Sequence[Document]) -> Iterator[str]:
    for text in _of_format("md", found):
        if paragraphs := prose(text):
            yield "\n\n".join(paragraphs)


def _chat_texts(found: Sequence[Document]) -> Iterator[str]:
    rng = random.Random(SEED)
    for text in _prose_texts(found):
        for paragraph in text.split("\n\n"):
            yield from chat(paragraph, rng)


def _unknown_texts(found: Sequence[Document]) -> Iterator[str]:
    words = invented(SEED)
    return (unknown(text, words) for text in _prose_texts(found))


#: Kind -> the texts of that kind out of the corpus.
KINDS: dict[str, Callable[[Sequence[Document]], Iterator[str]]] = {
    "plain prose": _prose_texts,
    "Markdown": partial(_of_format, "md"),
    "HTML pages": partial(_of_format, "html"),
    "mojibake": lambda found: map(mojibake, _prose_texts(found)),
    "chat": _chat_texts,
    "every word unknown": _unknown_texts,
}

#: Of the slowest kind less is enough.
SHARES = {"every word unknown": 0.25}


def of_kind(kind: str, found: Sequence[Document], size: float) -> list[str]:
    """Return ``size`` bytes of texts of a kind, or as many as there are."""
    out: list[str] = []
    for text in KINDS[kind](found):
        out.append(text)
        size -= size_of([text])
        if size <= 0:
            break
    return out


# --- large inputs --------------------------------------------------------------------------------------------------------

_PLAIN_WORD = re.compile(r"(?<= )[a-z]{3,}(?=[ ,.;])")


def write_corpus(path: Path, found: Sequence[Document], size: int) -> tuple[int, int]:
    """Write JSON lines of ``size`` bytes or a little more; return their bytes and the number of new words in them.

    They are the corpus again and again, and ``NEW_WORDS`` of the words are invented, others in each copy: whatever remembers
    words has more and more to remember.
    """
    words, written, new = invented(), 0, 0
    cut = _cut(found)
    if not any(map("".join, cut)):
        raise SystemExit("the corpus has no text")
    with path.open("wb") as file:
        for number, pieces in enumerate(cycle(cut)):
            if written >= size:
                break
            new += len(pieces) - 1
            text = pieces[0] + "".join(next(words) + piece for piece in pieces[1:])
            line = json.dumps({"id": number, "text": text}, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
            written += file.write(line)
    return written, new


def _cut(found: Sequence[Document]) -> list[list[str]]:
    """Return each text in pieces, between which were the words that are to be replaced."""
    cut = []
    due = 0.0  # over all texts, as most are so short that their own share would be rounded to none
    for number, text in enumerate(doc.text for doc in found):
        due += NEW_WORDS * len(text.split())
        places = [match.span() for match in _PLAIN_WORD.finditer(text)]
        wanted = min(len(places), int(due))
        due -= wanted
        pieces, at = [], 0
        for start, end in sorted(random.Random(SEED + number).sample(places, wanted)):
            pieces.append(text[at:start])
            at = end
        cut.append([*pieces, text[at:]])
    return cut
