"""The user's documents, as a benchmark is made from them: their passages, each with where it is from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def passages(
    paths: Iterable[str | os.PathLike[str]],
    fields: Fields,
    where: Mapping[str, Sequence[str]],
    *,
    min_words: int,
    max_words: int,
) -> tuple[list[Passage], Counter[str]]:
    """Return the passages of all documents, and what was counted: ``documents``, ``sections``, ``copies``.

    A passage has ``min_words`` of prose at least, and ends behind the paragraph in which ``max_words`` are reached. Of passages
    with the same text the first is kept. ``where``: field -> values, of which a document must have one (letters' case
    does not matter). Raises InputError with file and line.
    """
    counts: Counter[str] = Counter()
    seen: set[str] = set()
    ids: set[str] = set()
    found: list[Passage] = []
    for path in paths:
        for number, record in jsonl.records(path):
            if not all(str(record.get(field, "")).lower() in [v.lower() for v in values] for field, values in where.items()):
                continue
            counts["documents"] += 1
            id = jsonl.name(record, fields.id, path, number)
            if id in ids:
                raise InputError(f"{shown(path)}, line {number}: the id {id!r:.200} was there before")
            ids.add(id)
            for passage in _of_document(record, id, fields, path, number, min_words, max_words, counts):
                key = " ".join(passage.text.split())
                counts["copies"] += key in seen
                if key not in seen:
                    seen.add(key)
                    found.append(passage)
    return found, counts


def _of_document(
    record: jsonl.Json,
    id: str,
    fields: Fields,
    path: str | os.PathLike[str],
    number: int,
    min_words: int,
    max_words: int,
    counts: Counter[str],
) -> Iterator[Passage]:
    text = jsonl.string(record, fields.text, path, number)
    format = str(record.get(fields.format) or format_of(id, text)).lower()
    if format not in FORMATS:
        known = ", ".join(FORMATS)
        raise InputError(f"{shown(path)}, line {number}: the format {format!r:.40} is unknown (formats: {known})")
    title = record.get(fields.title)
    label = _label(record, fields, path, number)
    group = id if fields.group is None else jsonl.name(record, fields.group, path, number)
    for i, section in enumerate(sections(text, format)):
        counts["sections"] += 1
        prose = words(section.body)
        if len(prose) >= min_words:
            body = _cut(section.body, prose, max_words)
            yield Passage(f"{id}#{i}", title if isinstance(title, str) else "", section.heading, body, label, group)


def _label(record: jsonl.Json, fields: Fields, path: str | os.PathLike[str], number: int) -> str | None:
    if fields.label is not None:
        return jsonl.string(record, fields.label, path, number)
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
