"""From text to token ids, for encoding: the model's own WordPiece tokenizer (the Rust library ``tokenizers``), long texts cut.

For use with transformers there is :class:`vinilm.tokenizer.VnlpTokenizer`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vinilm.errors import ModelError

if TYPE_CHECKING:
    import tokenizers

#: A span of a text in code points: start, end.
Span = tuple[int, int]
_SURROGATE = re.compile("[\ud800-\udfff]")
# Texts that are tokenized together: enough for the library's threads, little enough to stop between them.
_CHUNK = 1024


class Tokenized(NamedTuple):
    """One text as tokens, special ones included, however long."""

    ids: list[int]
    tokens: list[str]
    #: Where each token stands in the text; (0, 0) for special tokens.
    spans: list[Span]


class Tokenizer:
    """The tokenizer of a BERT encoder. May be shared between threads."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        """Use ``tokenizer``, which adds a first and a last special token to each text."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        ids = tokenizer.encode("").ids
        if len(ids) != 2:
            raise ModelError("the tokenizer adds no [CLS] and [SEP] to a text: it is not that of a BERT encoder")
        self._first, self._last = ids
        #: Whether a token goes on within a word, by id.
        self._inner = frozenset(i for token, i in tokenizer.get_vocab().items() if token.startswith("##"))

    @classmethod
    def load(cls, file: Path, *, lower_case: bool) -> Tokenizer:
        """Return the tokenizer in ``file``: a ``tokenizer.json``, or a ``vocab.txt`` with BERT's rules.

        ``lower_case``: lower-case and strip accents, for ``vocab.txt`` (the other file says it itself). Raises ModelError.
        """
        import tokenizers

        try:
            if file.suffix == ".json":
                return cls(tokenizers.Tokenizer.from_file(str(file)))
            return cls(tokenizers.BertWordPieceTokenizer(str(file), lowercase=lower_case)._tokenizer)
        except ModelError:
            raise
        except Exception as error:  # the library raises bare Exceptions
            raise ModelError(f"{file}: no tokenizer that can be read: {error}") from error

    def save(self, file: Path) -> None:
        """Write it as a ``tokenizer.json``."""
        self._tokenizer.save(str(file))

    def vocabulary(self) -> list[str]:
        """Return the tokens in the order of their ids; ``[unusedN]``, with a large N, for an id that no token has."""
        tokens = {i: token for token, i in self._tokenizer.get_vocab().items()}
        count = max(tokens) + 1
        return [tokens.get(i) or f"[unused{count + i}]" for i in range(count)]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text, special tokens included, however long."""
        out: list[list[int]] = []
        for i in range(0, len(texts), _CHUNK):
            out += [e.ids for e in self._tokenizer.encode_batch_fast([plain(t) for t in texts[i : i + _CHUNK]])]
        return out

    def tokenized(self, text: str) -> Tokenized:
        """Return the tokens of ``text`` with their places."""
        encoding = self._tokenizer.encode(plain(text))
        spans = [
            (0, 0) if special else span for span, special in zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
        ]
        return Tokenized(encoding.ids, encoding.tokens, spans)

    def cut(self, ids: list[int], limit: int) -> list[int]:
        """Return ``ids`` with at most ``limit`` of them: the end is left out, the last special token stays."""
        return ids if len(ids) <= limit else [*ids[: limit - 1], self._last]

    def windows(self, ids: list[int], limit: int) -> list[Span]:
        """Return spans of ``ids`` (without the special tokens) that fit into sequences of ``limit`` tokens each.

        As few as possible, of about equal length, so that no window is a mere rest; cut between words, except in a word that
        is longer than half a window.
        """
        room = limit - 2
        inner = len(ids) - 2
        spans: list[Span] = []
        at = 1
        while inner > 0:
            size = -(-inner // -(-inner // room))
            end = at + size
            if size < inner:
                end = next((i for i in range(end, at + size // 2, -1) if ids[i] not in self._inner), end)
            spans.append((at, end))
            inner -= end - at
            at = end
        return spans or [(1, 1)]

    def window(self, ids: list[int], span: Span) -> list[int]:
        """Return the ids of one window as a sequence of its own."""
        return [self._first, *ids[span[0] : span[1]], self._last]


def plain(text: str) -> str:
    """Return ``text`` with U+FFFD for each lone surrogate, which the library refuses: places stay."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
