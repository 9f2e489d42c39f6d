"""The edit log: one line of JSON for each record that was changed, or for which something was suggested, or that was rejected.

    {"file": "kb.jsonl", "line": 7, "edits": [{"field": "text", "stage": "spelling", ..., "before": "Teh", "after": "The", ...}]}

With it the raw file comes back, byte for byte (``restore.py``): from the edits where that is enough, which is tried for each
record when it is logged, else from ``raw``, the line as it was (base64). The last line of an input has ``"line": null`` and says
how many lines it had, the SHA-256 of its bytes and which output it went to. A file that is one record as a whole has an entry
even if nothing was changed, with the ``bytes`` that it has in the output; so has a last line of which nothing was left.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from vnlp_prep.corpus.json_fields import replace_strings
from vnlp_prep.corpus.records import Problem, field_name
from vnlp_prep.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vnlp_prep.corpus.records import Line, Record
    from vnlp_prep.edits import Cleaned


class CannotUndoError(ValueError):
    """Edits that do not fit the text that they are said to have made."""


class NoEntryError(ValueError):
    """A line that is no entry of an edit log."""


def changed_entry(
    file: str, record: Record, docs: Sequence[Cleaned], written: bytes, *, is_whole: bool = False
) -> dict[str, Any] | None:
    """Return the entry of a record that was written as ``written``; None if there is nothing to say of it.

    ``is_whole``: the record is a whole file.
    """
    entry: dict[str, Any] = {"file": file, "line": record.line.number}
    named = [(field_name(path), doc) for path, doc in zip(record.paths, docs, strict=False)]
    entry["edits"] = [_edit(None, e) for e in record.notes] + [_edit(name, e) for name, doc in named for e in doc.edits]
    suggestions = [_edit(name, e) for name, doc in named for e in doc.suggestions]
    if suggestions:
        entry["suggestions"] = suggestions
    if written != record.line.raw and not _comes_back(entry, written, record.line.raw):
        entry["raw"] = _base64(record.line.raw)
    if is_whole or (record.line.raw and not written):
        entry["bytes"] = len(written)
    return entry if entry["edits"] or suggestions or "raw" in entry or is_whole else None


def rejected_entry(file: str, line: Line, problem: Problem) -> dict[str, Any]:
    """Return the entry of a line that went to the rejects; a line that was too long to be held cannot come back."""
    entry: dict[str, Any] = {"file": file, "line": line.number, "edits": [], "rejected": problem.code}
    if not line.is_cut:
        entry["raw"] = _base64(line.raw)
    return entry


def closing_entry(file: str, lines: int | None, sha256: str | None, output: str) -> dict[str, Any]:
    """Return the entry behind all others of an input; ``sha256`` None: it had a line that was too long to be held.

    ``lines`` None: it is a table.
    """
    return {"file": file, "line": None, "edits": [], "lines": lines, "sha256": sha256, "output": output}


def entry_in(line: bytes) -> dict[str, Any]:
    """Return the entry in a line of an edit log. Raises NoEntryError; what the edits say is not looked at."""
    try:
        entry = orjson.loads(line)
        kinds: dict[str, Any] = {"file": str, "line": (int, type(None)), "edits": list}
        if entry["line"] is None:
            kinds |= {"lines": (int, type(None)), "sha256": (str, type(None)), "output": str}
        if all(isinstance(entry[name], kind) for name, kind in kinds.items()):
            return dict(entry)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise NoEntryError("is no entry of an edit log")


def edits_in(entry: dict[str, Any], key: str = "edits") -> list[tuple[str | None, Edit]]:
    """Return the edits of an entry (or its ``suggestions``), each with its field. Raises NoEntryError for what is none."""
    found = []
    for value in entry.get(key, ()):
        try:
            name, edit = value["field"], Edit(*(value[name] for name in Edit._fields))
        except (KeyError, TypeError):
            raise NoEntryError(f"has something under {key!r} that is no edit") from None
        is_text = all(isinstance(v, str) for v in (edit.stage, edit.rule, edit.before, edit.after))
        is_number = isinstance(edit.confidence, (int, float)) and 0 <= edit.confidence <= 1
        is_span = isinstance(edit.start, int) and isinstance(edit.end, int) and 0 <= edit.start < edit.end
        if not (is_text and is_number and is_span and (name is None or isinstance(name, str))):
            raise NoEntryError(f"has something under {key!r} that is no edit")
        found.append((name, edit))
    return found


def _edit(name: str | None, e: Edit) -> dict[str, Any]:
    return {"field": name, **e.to_dict()}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _comes_back(entry: dict[str, Any], written: bytes, raw: bytes) -> bool:
    try:
        return restored_line(entry, written) == raw
    except (CannotUndoError, Problem):
        return False


def restored_line(entry: dict[str, Any], written: bytes) -> bytes:
    """Return the line that ``written`` was before the edits of ``entry``. Raises CannotUndoError or Problem if they do not fit.

    ``written``: the line of the output, its end included.
    """
    if "raw" in entry:
        return base64.b64decode(entry["raw"], validate=True)
    edits: dict[str | None, list[dict[str, Any]]] = {}
    for e in entry["edits"]:
        edits.setdefault(e["field"], []).append(e)
    if not edits:
        return written
    body = written.removesuffix(b"\n")
    end = written[len(body) :]
    if None in edits:  # plain text
        body = body.removesuffix(b"\r")
        return undone(body.decode("utf-8"), edits[None]).encode("utf-8") + written[len(body) :]
    try:
        value = orjson.loads(body)
        texts = {path: undone(text, edits[name]) for name in edits for path, text in (_text_at(value, name or ""),)}
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise CannotUndoError(f"the record has no such text: {error}") from None
    return replace_strings(body, texts) + end


def _text_at(record: Any, name: str) -> tuple[tuple[str, ...], str]:
    """Return the path and the text of a field, as ``formats.JsonLines`` finds them. Raises LookupError or TypeError."""
    path = (name,) if name in record else tuple(name.split("."))
    value = record
    for key in path:
        value = value[key]
    if not isinstance(value, str):
        raise TypeError(f"{name!r} is no string")
    return path, value


def undone(text: str, edits: Iterable[dict[str, Any]]) -> str:
    """Return what ``text`` was before ``edits``, which have the offsets of the raw text. Raises CannotUndoError."""
    out: list[str] = []
    at = shift = 0
    for e in edits:
        start = e["start"] + shift
        end = start + len(e["after"])
        if start < at or text[start:end] != e["after"]:
            raise CannotUndoError(f"{e['after'][:40]!r} does not stand where the edit at {e['start']} left it")
        out += [text[at:start], e["before"]]
        at = end
        shift += len(e["after"]) - len(e["before"])
    out.append(text[at:])
    return "".join(out)
