"""The user's documents, as a benchmark is made from them: their passages, each with where it is from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vinilm.evaluation import jsonl
from vinilm.evaluation.prose import Word, words
from vinilm.evaluation.sections import FORMATS, format_of, sections
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError, SettingsError

#: Characters that a passage may have behind its last counted word.
_OVERLONG = 400


class Fields(NamedTuple):
    """What the fields of a document are called."""

    text: str = "text"
    id: str = "id"
    title: str = "title"
    #: ``md``, ``rst``, ``adoc``, ``html`` or ``txt``; where it is missing the end of the id tells, or the text.
    format: str = "format"
    #: Of classification; None: ``product``, or where that is missing ``label``.
    label: str | None = None
    #: What must not be on both sides of a split; None: the document.
    group: str | None = None


class Passage(NamedTuple):
    """A section of a document that has enough prose, cut to a length."""

    #: ``DOCUMENT#NUMBER``.
    id: str
    title: str
    heading: str
    text: str
    #: None if the document has none.
    label: str | None
    group: str


@dataclass
class Reader:
    """Reads documents as passages: sections with ``min_words`` of prose, cut behind the paragraph that reaches ``max_words``."""

    fields: Fields
    #: Field -> values, of which a document must have one; letters' case does not matter.
    where: Mapping[str, Sequence[str]]
    min_words: int
    max_words: int
    #: ``documents``, ``sections``, and ``copies``: passages with a text that was there before.
    counts: Counter[str] = field(default_factory=Counter)

    def passages(self, paths: Iterable[str | os.PathLike[str]]) -> list[Passage]:
        """Return the passages of all documents; of those with the same text the first. Raises InputError with file and line."""
        found: dict[str, Passage] = {}
        ids: set[str] = set()
        for path in paths:
            for number, record in jsonl.records(path):
                if not self._is_wanted(record):
                    continue
                self.counts["documents"] += 1
                id = jsonl.name(record, self.fields.id, path, number)
                if not id.isprintable():
                    raise InputError(f"{shown(path)}, line {number}: the id {id!r:.200} has characters that no table can hold")
                if id in ids:
                    raise InputError(f"{shown(path)}, line {number}: the id {id!r:.200} was there before")
                ids.add(id)
                for passage in self._of_document(record, path, number):
                    key = " ".join(passage.text.split())
                    self.counts["copies"] += key in found
                    found.setdefault(key, passage)
        return list(found.values())

    def _is_wanted(self, record: jsonl.Json) -> bool:
        return all(str(record.get(name, "")).lower() in map(str.lower, values) for name, values in self.where.items())

    def _of_document(self, record: jsonl.Json, path: str | os.PathLike[str], number: int) -> Iterator[Passage]:
        id = jsonl.name(record, self.fields.id, path, number)
        text = jsonl.string(record, self.fields.text, path, number)
        format = str(record.get(self.fields.format) or format_of(id, text)).lower()
        if format not in FORMATS:
            known = ", ".join(FORMATS)
            raise InputError(f"{shown(path)}, line {number}: the format {format!r:.40} is unknown (formats: {known})")
        title = record.get(self.fields.title)
        label = self._label(record, path, number)
        group = id if self.fields.group is None else jsonl.name(record, self.fields.group, path, number)
        for i, section in enumerate(sections(text, format)):
            self.counts["sections"] += 1
            prose = words(section.body)
            if len(prose) >= self.min_words:
                body = _cut(section.body, prose, self.max_words)
                yield Passage(f"{id}#{i}", title if isinstance(title, str) else "", section.heading, body, label, group)

    def _label(self, record: jsonl.Json, path: str | os.PathLike[str], number: int) -> str | None:
        if self.fields.label is not None:
            return jsonl.string(record, self.fields.label, path, number)
        return next((value for name in ("product", "label") if isinstance(value := record.get(name), str)), None)


def _cut(body: str, prose: Sequence[Word], most: int) -> str:
    """Return the text up to the end of the paragraph, or if that is far of the line, in which so many words are reached."""
    if len(prose) > most:
        at = prose[most - 1].end
        ends = (body.find("\n\n", at), body.find("\n", at))
        body = body[: next((end for end in ends if 0 <= end - at <= _OVERLONG), at)]
    return body.strip()


def parse_where(conditions: Sequence[str]) -> dict[str, list[str]]:
    """Return field -> values for conditions of the form ``FIELD=VALUE``. Raises SettingsError."""
    found: dict[str, list[str]] = {}
    for condition in conditions:
        field, equals, value = condition.partition("=")
        if not equals or not field:
            raise SettingsError(f"--where {condition!r}: it is FIELD=VALUE")
        found.setdefault(field, []).append(value)
    return found
