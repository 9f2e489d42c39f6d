"""The texts of a corpus for training: read as everywhere, cleaned as the model asks, some of them held out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vinilm.encoding.chunks import Chunk, read_chunks
from vinilm.encoding.cleaning import clean_chunks
from vinilm.encoding.settings import corpus_settings
from vnlp_prep.corpus.logs import LineLog
from vnlp_prep.errors import InputError, SettingsError, VnlpError

if TYPE_CHECKING:
    from vnlp_prep import Preprocessor
    from vnlp_prep.corpus.documents import Source
    from vnlp_prep.corpus.run import Options

#: Records that are read, cleaned and tokenized together.
_CHUNK_RECORDS = 1024


@dataclass
class Counts:
    """What was read of a corpus."""

    #: Texts, and how many of them are held out.
    texts: int = 0
    held_out: int = 0
    blank_lines: int = 0
    #: Records without a text that are passed over, as was asked for.
    passed: int = 0
    #: Reason -> records.
    rejects: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Corpus:
    """The inputs of a training run. Raises SettingsError for a share that is out of range.

    ``preprocessor``: what cleans; None: texts are taken as they are. ``workers``: processes that clean. ``rejects``: the file
    that takes the records that cannot be used. ``heldout``: share of the texts that is held out.
    """

    sources: Sequence[Source]
    options: Options
    preprocessor: Preprocessor | None
    rejects: str
    heldout: float = 0.05
    workers: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.heldout < 1:
            raise SettingsError(f"heldout={self.heldout!r} is out of range: a share of the texts, from 0 to below 1")

    @property
    def is_stream(self) -> bool:
        """Whether an input is a pipe, which cannot tell whether it brings what it brought before."""
        return any(source.input.size is None for source in self.sources)

    def identity(self) -> dict[str, Any]:
        """Return what the texts depend on: name for people -> JSON value."""
        return {
            **corpus_settings(self.options, self.sources),
            "cleaning": self.preprocessor.fingerprint if self.preprocessor else "none",
            "heldout": self.heldout,
        }

    def texts(self, counts: Counts) -> Iterator[list[tuple[str, bool]]]:
        """Yield the texts, cleaned, many at a time; with each whether it is held out. ``counts`` is kept up to date.

        The rejects file appears when all is read. Raises InputError for an input that cannot be read to its end: a model that
        is trained on half a corpus looks like any other.
        """
        log = LineLog(self.rejects)
        try:
            for chunk, texts in self._cleaned(read_chunks(self.sources, _CHUNK_RECORDS, None)):
                for reject in chunk.rejects:
                    if self._is_passed(reject):
                        counts.passed += 1
                        continue
                    log.write(reject)
                    counts.rejects[reject["reason"]] += 1
                parts = [(text, held_out(text, self.heldout)) for text in texts]
                counts.texts += len(parts)
                counts.held_out += sum(is_out for _, is_out in parts)
                counts.blank_lines += chunk.blank_lines
                yield parts
            for source in self.sources:
                if source.input.damage:
                    raise InputError(f"{source.input.name}: {source.input.damage}; get the file again, or leave it out")
            log.keep()
        finally:
            log.close()

    def _is_passed(self, reject: dict[str, Any]) -> bool:
        # To encode, every record needs a text; to train, one without is as good as none.
        return self.options.on_missing == "pass" and reject["reason"] == "field-missing"

    def _cleaned(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, list[str]]]:
        if self.preprocessor is None:
            for chunk in chunks:
                yield chunk, chunk.texts
            return
        for chunk, texts in clean_chunks(chunks, self.preprocessor, self.workers):
            yield chunk, self._one_by_one(chunk) if texts is None else texts

    def _one_by_one(self, chunk: Chunk) -> list[str]:
        """Clean the texts of a chunk, one of which may break the preprocessor: it is rejected, with the reason."""
        assert self.preprocessor is not None
        cleaned, failed = [], []
        for place, text in enumerate(chunk.texts):
            try:
                cleaned.append(self.preprocessor(text))
            except (VnlpError, MemoryError):
                raise
            except Exception as error:
                failed.append((place, f"{type(error).__name__}: {error}"[:500]))
        chunk.reject(failed)
        return cleaned


def held_out(text: str, share: float) -> bool:
    """Return whether ``text`` is among the ``share`` of all texts that is held out: a function of its characters alone.

    So a text is on the same side in every run, wherever it stands, and so are its copies.

    >>> sum(held_out(f"text {number}", 0.05) for number in range(10_000))
    534
    """
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64
