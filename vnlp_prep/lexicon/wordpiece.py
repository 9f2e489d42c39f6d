"""The WordPiece vocabulary of an encoder: which words it knows whole, and how it cuts the others.

Reads what BERT-like models come with (``vocab.txt`` or ``tokenizer.json``) and cuts single words as their tokenizers do:
greedily, the longest piece first (Devlin et al. 2018; Schuster and Nakajima 2012). Nothing else of a tokenizer is needed here,
so nothing has to be installed for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from vnlp_prep.errors import SettingsError

#: What a piece that goes on within a word begins with.
INNER = "##"
#: Characters; BERT's tokenizers call a longer word unknown.
MAX_WORD = 100
_FILES = ("vocab.txt", "tokenizer.json")
_CONFIG = "tokenizer_config.json"


class WordPieces:
    """A WordPiece vocabulary. Instances do not change, may be shared between threads and pickled.

    >>> vocabulary = WordPieces(["data", "store", "host", "##stor", "##e", "##name"])
    >>> vocabulary.pieces("datastore"), vocabulary.pieces("Store"), vocabulary.pieces("xyz")
    (('data', '##stor', '##e'), ('store',), ())
    >>> "store" in vocabulary, "datastore" in vocabulary, sorted(vocabulary.cuts("datastore"))
    (True, False, [4, 8, 9])
    """

    def __init__(self, pieces: Iterable[str], *, lower_case: bool | None = None) -> None:
        """Make a vocabulary of ``pieces``: words, and inner pieces with ``##`` before them.

        ``lower_case``: words are lower-cased and lose their accents before they are cut; default: if no piece has a capital.

        Raises SettingsError if there are no inner pieces: then it is no WordPiece vocabulary.
        """
        self._pieces = frozenset(p for p in pieces if p and not any(c.isspace() for c in p))
        if not any(p.startswith(INNER) and len(p) > len(INNER) for p in self._pieces):
            raise SettingsError(f"no WordPiece vocabulary: no piece begins with {INNER!r}")
        if lower_case is None:
            # "[UNK]" and its like are written in capitals everywhere.
            lower_case = not any(p != p.lower() for p in self._pieces if not p.startswith("["))
        self.lower_case = lower_case
        self._longest = max(map(len, self._pieces))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, lower_case: bool | None = None) -> WordPieces:
        """Return the vocabulary in ``path``: a ``vocab.txt`` (a piece a line), a ``tokenizer.json``, or the folder of a model.

        Whether words are lower-cased is what ``lower_case`` says, else ``tokenizer.json``, or ``tokenizer_config.json`` beside
        ``vocab.txt``. Raises SettingsError, with the file, for anything that is no WordPiece vocabulary.
        """
        file = Path(path)
        if file.is_dir():
            there = [file / name for name in _FILES if (file / name).is_file()]
            if not there:
                raise SettingsError(f"{file}: no WordPiece vocabulary in this folder (no {' and no '.join(_FILES)})")
            file = there[0]
        text = _read(file)
        try:
            if file.suffix == ".json":
                return cls._of_tokenizer(text, lower_case)
            if lower_case is None:
                lower_case = _lower_case_beside(file)
            return cls((line.removesuffix("\r") for line in text.split("\n")), lower_case=lower_case)
        except (SettingsError, ValueError, RecursionError) as e:
            raise SettingsError(f"{file}: {e}") from None

    @classmethod
    def _of_tokenizer(cls, text: str, lower_case: bool | None) -> WordPieces:
        """Return the vocabulary of a ``tokenizer.json``. Raises SettingsError or ValueError for another kind of tokenizer."""
        content = json.loads(text)
        model = content.get("model") if isinstance(content, dict) else None
        pieces = model.get("vocab") if isinstance(model, dict) else None
        if not isinstance(model, dict) or not isinstance(pieces, dict):
            raise SettingsError("no tokenizer.json with a WordPiece vocabulary")
        if model.get("type", "WordPiece") != "WordPiece":
            raise SettingsError(f"a vocabulary of the kind {model['type']!r}; only WordPiece can be used")
        if model.get("continuing_subword_prefix", INNER) != INNER:
            raise SettingsError(f"inner pieces that begin with {model['continuing_subword_prefix']!r}, not with {INNER!r}")
        if lower_case is None:
            lower_case = _lower_case_of(content.get("normalizer"))
        return cls(pieces, lower_case=lower_case)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the pieces to ``path``, one a line, sorted; ``load`` reads them back."""
        with Path(path).open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{piece}\n" for piece in sorted(self._pieces))

    def __contains__(self, word: object) -> bool:
        """True if the word is one whole piece."""
        return isinstance(word, str) and self._normal(word) in self._pieces

    def __len__(self) -> int:
        return len(self._pieces)

    def pieces(self, word: str, *, within: bool = False) -> tuple[str, ...]:
        """Return the pieces of a word (no white space, no punctuation); empty for one that the vocabulary cannot write.

        ``within``: it is the rest of a word, behind a piece.

        >>> WordPieces(["data", "store", "##store"]).pieces("store", within=True)
        ('##store',)
        """
        word = self._normal(word)
        found: list[str] = []
        at = 0
        while at < len(word) <= MAX_WORD:
            inner = INNER if at or within else ""
            for end in range(min(len(word), at + self._longest), at, -1):
                if inner + word[at:end] in self._pieces:
                    break
            else:
                return ()
            found.append(inner + word[at:end])
            at = end
        return tuple(found)

    def cuts(self, word: str) -> frozenset[int]:
        """Return the offsets at which pieces of the word end, the end of the word among them; empty if it has no pieces.

        For words whose length does not depend on case and accents, as those in plain letters.
        """
        lengths = (len(piece) - len(INNER) * (i > 0) for i, piece in enumerate(self.pieces(word)))
        return frozenset(accumulate(lengths))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the pieces and of what is done to the case: equal fingerprints cut alike."""
        digest = hashlib.sha256(b"lower" if self.lower_case else b"as written")
        for piece in sorted(self._pieces):
            digest.update(f"\n{piece}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def _normal(self, word: str) -> str:
        if not self.lower_case:
            return word
        word = word.lower()
        if word.isascii():
            return word
        return "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")

    def __getstate__(self) -> dict[str, Any]:
        """What it was made of, sorted: equal vocabularies are pickled as equal bytes."""
        return {"pieces": sorted(self._pieces), "lower_case": self.lower_case}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        """Short: the number of pieces, and the case."""
        return f"WordPieces({len(self)} pieces, {'lower case' if self.lower_case else 'case as written'})"


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as e:
        raise SettingsError(f"{file}: cannot read the vocabulary: {e.strerror or e}") from None
    except UnicodeDecodeError as e:
        raise SettingsError(f"{file}: no vocabulary: not UTF-8 at byte {e.start + 1}") from None


def _lower_case_beside(file: Path) -> bool | None:
    """What ``tokenizer_config.json`` beside a vocabulary says of its case; None if it is not there or says nothing."""
    config = file.with_name(_CONFIG)
    if not config.is_file():
        return None
    content = json.loads(_read(config))
    value = content.get("do_lower_case") if isinstance(content, dict) else None
    return value if isinstance(value, bool) else None


def _lower_case_of(normalizer: object) -> bool | None:
    """What the normalizer of a ``tokenizer.json`` does to the case; None if there is none that says."""
    if not isinstance(normalizer, dict):
        return None
    parts = normalizer.get("normalizers", [normalizer])
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and part.get("type") == "Lowercase":
            return True
        if isinstance(part, dict) and part.get("type") == "BertNormalizer":
            return part.get("lowercase") is not False
    return None
