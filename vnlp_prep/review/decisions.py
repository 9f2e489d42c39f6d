"""A person's decisions about changes of words, as rows of a term list: the file that ``learn`` writes and ``--lexicon`` reads.

What each decision about a change ``x -> y`` writes:

    accepted   x is a mistake, always: a row ``x`` with ``replace_by`` y
    replaced   the same with what the person wrote instead of y
    rejected   x stays: a row ``x`` as a term, with the count 1, so that it hardly weighs where others are corrected
    kept       x is a word of ours: the same with the counts of the corpus, so that slips of x are corrected to it

A row says in ``why`` that it comes from here (``review: accepted``). If the list has a row for x already, that row is changed,
and its ``why`` remembers what it was (``review: kept [misspelling|] one slip from host``). So a decision can be taken back at
any time, also after ``learn`` has written the list anew. All other lines, comments and line ends stay as they are; a list that
lacks the columns ``replace_by`` or ``why`` gets them in its first line.

The file is written at once, whole or not at all. One that somebody else has changed is never written over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import Partial, check_output
from vnlp_prep.errors import LexiconError, OutputError
from vnlp_prep.lexicon.files import COLUMNS, MAX_TERM, RIGHT, Row, RowsMet, Term, read_bytes, rows_of, text_of
from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.lexicon.suggestions import like
from vnlp_prep.words import word_spans

#: What a person may decide about a change.
KINDS = ("accepted", "rejected", "kept", "replaced")
#: Steps that can be undone.
MAX_STEPS = 1_000
_NEEDED = "needed"  # a word of a replacement, known so that it stays
_WHY = re.compile(rf"review: ({'|'.join((*KINDS, _NEEDED))})(?: \[([a-z-]*)\|([^\]|]*)\] ?(.*))?")
_BY_POSITION = COLUMNS[:4]
_NEW = "# Words of your domain, as decided in vnlp-prep review. Add or change lines as you like.\n" + "\t".join(COLUMNS) + "\n"
_MAX_WHY = 500


class RefusedError(LexiconError):
    """A decision that cannot be written down, or would do harm. The text is for the person who decided."""


class ChangedError(OutputError):
    """The list was changed by somebody else since it was read; it has been read again, and nothing was written."""


class Decision(NamedTuple):
    """What holds for a word: one of ``KINDS``, and what it is replaced by, if it is."""

    kind: str
    replacement: str = ""


@dataclass
class _Entry:
    """What the list says about a word, in any case."""

    rows: list[Row] = field(default_factory=list)

    @property
    def replacement(self) -> str:
        return next((row.replace_by for row in reversed(self.rows) if row.effect is not None and row.replace_by), "")

    @property
    def is_known(self) -> bool:
        return not self.replacement and any(row.effect is not None for row in self.rows)

    @property
    def is_rejected(self) -> bool:
        return any(note is not None and note[1] == "rejected" for note in (_WHY.fullmatch(row.why) for row in self.rows))


class _Step(NamedTuple):
    """One decision as it changed the lines of the file, and the word that it was about."""

    word: str
    start: int
    old: list[str]
    new: list[str]


class Decisions:
    """A term list that is open for decisions."""

    def __init__(self, path: Path, known: Lexicon | None = None) -> None:
        """Open the list at ``path``; one that is not there is made.

        ``known``: the words that need no row of their own (default: the shipped lexicon). Raises LexiconError for a file that is
        no term list, OutputError where it cannot be written.
        """
        self.path = path
        self._lexicon = known if known is not None else Lexicon.shipped()
        self._met: RowsMet = {}
        check_output(str(path))
        if not path.exists():
            partial = Partial(str(path))
            try:
                partial.append(_NEW.encode("utf-8"))
                partial.commit()
            except BaseException:
                partial.abandon()
                raise
        self.read()

    # What the list says

    def read(self) -> None:
        """Read the list again; what was decided before cannot be undone any more. Raises LexiconError."""
        self._take(*self._parsed(read_bytes(self.path)))
        self._steps: list[_Step] = []

    def _parsed(self, data: bytes) -> tuple[bytes, list[str], list[Row | str]]:
        text = text_of(data, self.path)
        return data, text.split("\n"), rows_of(text, self.path, self._met)

    def _take(self, data: bytes, lines: list[str], rows: list[Row | str]) -> None:
        self._data, self._lines = data, lines
        self._entries: dict[str, _Entry] = {}
        for row in rows:
            if isinstance(row, Row):
                self._entries.setdefault(row.term.lower(), _Entry()).rows.append(row)

    def decision(self, before: str, after: str) -> Decision | None:
        """Return what the list says about the change of the word ``before`` to ``after``; None if nothing."""
        entry = self._entries.get(before.lower())
        if entry is None:
            return None
        if entry.replacement:
            there = like(before, entry.replacement)
            return Decision("accepted" if there == after else "replaced", there)
        if not entry.is_known:
            return None
        return Decision("rejected" if entry.is_rejected else "kept")

    @property
    def terms(self) -> list[Term]:
        """What the list adds to a lexicon."""
        return [term for row in self._rows() if (term := row.effect) is not None]

    @property
    def terms_before(self) -> list[Term]:
        """What the list would add if nothing had been decided here: for finding the changes that are to be decided."""
        rows = (_as_it_was(row) for row in self._rows())
        return [term for row in rows if row is not None and (term := row.effect) is not None]

    def _rows(self) -> Iterable[Row]:
        return (row for entry in self._entries.values() for row in entry.rows)

    @property
    def can_undo(self) -> bool:
        """True if there is a step to take back."""
        return bool(self._steps)

    # Deciding

    def decide(
        self, before: str, after: str, kind: str, replacement: str = "", *, count: int = 1, documents: int = 1
    ) -> Decision | None:
        """Write down a decision about the change of the word ``before`` to ``after``, in place of an earlier one; save.

        ``kind``: one of ``KINDS``. ``replacement``: what to write instead, for ``replaced``. ``count``, ``documents``: how often
        the corpus has it, and in how many records.

        Raises RefusedError for what cannot be decided, ChangedError if the file is not as it was read, OutputError.
        """
        if kind not in KINDS:
            raise RefusedError(f"no decision {kind!r}; there are {', '.join(KINDS)}")
        if not is_decidable(before):
            raise RefusedError(f"{before!r} is not one plain word: a list of words cannot decide about it")
        wanted = "" if kind in ("rejected", "kept") else self._replacement(before, after if kind == "accepted" else replacement)
        edits = _Edits(self, before.lower())
        edits.forget()
        if kind == "rejected":
            count = documents = 1
        edits.write(Row(before, count, documents, wanted, why=f"review: {kind}"), kind)
        for word in self._needed(wanted):
            edits.add(Row(word, why=f"review: {_NEEDED}"))
        self._save(before, edits.lines())
        return self.decision(before, after)

    def clear(self, before: str) -> None:
        """Take back what was decided here about the word ``before``, whenever that was. Raises as ``decide`` does."""
        entry = self._entries.get(before.lower(), _Entry())
        if any(row.why == f"review: {_NEEDED}" for row in entry.rows):
            raise RefusedError(f"{before!r} stands in the replacement of another word; take that back")
        edits = _Edits(self, before.lower())
        if not edits.forget():
            raise RefusedError(f"{before!r} was not decided here: its line in {shown(str(self.path))} was written by hand")
        self._save(before, edits.lines())

    def undo(self) -> str | None:
        """Take back the last step, and return the word it was about; None if there is none. Raises ChangedError, OutputError."""
        if not self._steps:
            return None
        step = self._steps[-1]
        end = step.start + len(step.new)
        self._write([*self._lines[: step.start], *step.old, *self._lines[end:]])
        self._steps.pop()
        return step.word

    def _replacement(self, before: str, wanted: str) -> str:
        """Return what goes into ``replace_by``, so that it follows the case of the word where it can. Raises RefusedError."""
        wanted = " ".join(wanted.split())
        if not wanted:
            raise RefusedError("a word can be replaced by another one, not by nothing")
        if len(wanted) > 2 * MAX_TERM or not wanted.isprintable():
            raise RefusedError(f"the replacement is longer than {2 * MAX_TERM} characters, or has characters that cannot be seen")
        low = wanted.lower()
        forms = (self._lexicon.spelling(low), low, wanted)
        found = next(form for form in forms if like(before, form) == wanted or form == wanted)
        for word in _words(wanted):
            if word.lower() == before.lower() and (word != wanted or found.islower()):
                raise RefusedError(f"{before!r} cannot be replaced by a text with {word!r} in it; keep it, if it is right")
            entry = self._entries.get(word.lower())
            if entry is not None and entry.replacement and word.lower() != before.lower():
                raise RefusedError(f"{word!r} is itself replaced, by {entry.replacement!r}; write that")
        return found

    def _needed(self, replacement: str) -> list[str]:
        """Return the words of a replacement that nobody knows: they would be corrected in their turn."""
        words = {word.lower(): word for word in _words(replacement) if word not in self._lexicon}
        return [w for low, w in words.items() if not ((entry := self._entries.get(low)) and entry.is_known)]

    def _save(self, word: str, lines: list[str]) -> None:
        old = self._lines
        if lines == old:
            return
        self._write(lines)
        start, shorter = 0, min(len(old), len(lines))
        while start < shorter and old[start] == lines[start]:
            start += 1
        same = 0
        while same < shorter - start and old[-1 - same] == lines[-1 - same]:
            same += 1
        self._steps.append(_Step(word, start, old[start : len(old) - same], lines[start : len(lines) - same]))
        del self._steps[:-MAX_STEPS]

    def _write(self, lines: list[str]) -> None:
        bom = b"\xef\xbb\xbf" if self._data.startswith(b"\xef\xbb\xbf") else b""
        data = bom + "\n".join(lines).encode("utf-8")
        parsed = self._parsed(data)  # what cannot be read again is never written
        partial = Partial(str(self.path))
        try:
            partial.open()  # which locks it: from here on no other run of ours writes
            there = read_bytes(self.path)
            if there != self._data:
                self._take(*self._parsed(there))
                self._steps.clear()
                raise ChangedError(
                    f"{shown(str(self.path))} was changed by somebody else and has been read again: nothing was saved"
                )
            partial.append(data)
            partial.commit()
        except BaseException:
            partial.abandon()
            raise
        self._take(*parsed)


def is_decidable(before: str) -> bool:
    """True if a term list can decide about the word: it is one plain word.

    >>> [is_decidable(word) for word in ("hostt", "a b", "<b>", "vMotoin")]
    [True, False, False, False]
    """
    return len(before) <= MAX_TERM and word_spans(before) == ((0, len(before)),)


def _words(text: str) -> list[str]:
    """The plain words of a replacement; what is no plain word is protected, and stays anyway."""
    return [token[start:end] for token in text.split() for start, end in word_spans(token)]


def _as_it_was(row: Row) -> Row | None:
    """Return the row as it was before it was decided about here; None if it was not there."""
    note = _WHY.fullmatch(row.why)
    if note is None:
        return row
    if note[2] is None:
        return None
    return replace(row, decision=note[2], replace_by=unquote(note[3]), why=note[4])


class _Edits:
    """Changes of some lines of a list, for a decision about one word."""

    def __init__(self, decisions: Decisions, low: str) -> None:
        self._lines = list(decisions._lines)
        self._entries = decisions._entries
        self._low = low
        self._gone: set[int] = set()
        self._added: list[str] = []
        self._end = "\r" if any(line.endswith("\r") for line in self._lines[:1]) else ""
        self._header = next((i for i, line in enumerate(self._lines) if line.strip() and line[0] != "#"), None)
        self._columns: list[str] = list(_BY_POSITION)
        self._is_named = False
        if self._header is not None and (names := self._lines[self._header].rstrip("\r").split("\t"))[0] == "term":
            self._columns, self._is_named = names, True
        self._rows = list(self._entries[low].rows) if low in self._entries else []

    def forget(self) -> bool:
        """Take back an earlier decision about the word, with what only its replacement needed. Return whether there was one."""
        found = False
        rows = []
        for row in self._rows:
            was = _as_it_was(row)
            if was is row:
                rows.append(row)
                continue
            found = True
            if was is None:
                self._gone.add(row.line)
            else:
                self._change(row, was)
                rows.append(was)
        self._rows = rows
        if found:
            self._forget_needed()
        return found

    def _forget_needed(self) -> None:
        others = (e.replacement for low, e in self._entries.items() if low != self._low)
        needed = {word.lower() for text in others if text for word in _words(text)}
        for low, entry in self._entries.items():
            if low not in needed:
                self._gone.update(row.line for row in entry.rows if row.why == f"review: {_NEEDED}")

    def write(self, wanted: Row, kind: str) -> None:
        """Have the rows of the word say what ``wanted`` says; one is made if there is none."""
        self._need("replace_by", "why")
        for row in self._rows:
            decision = row.decision
            if wanted.replace_by:
                decision = "misspelling" if decision in ("reject", "term", "known") else decision
            elif decision not in RIGHT:
                decision = "term"
            was = f"[{row.decision}|{quote(row.replace_by, safe=' ')}]"
            why = f"review: {kind} {was} {row.why}".rstrip()
            if len(why) > _MAX_WHY:
                raise RefusedError(f"the column 'why' of {row.term!r} is too long to be added to; shorten it")
            self._change(row, replace(row, replace_by=wanted.replace_by, decision=decision, why=why))
        if not self._rows:
            self.add(wanted)

    def add(self, row: Row) -> None:
        """Add a row at the end, in place of one of ours that was taken out."""
        self._need("replace_by", "why")
        values = {name: getattr(row, name) for name in COLUMNS}
        cells = ["" if values[name] == 0 else str(values[name]) for name in self._columns]
        self._added.append("\t".join(cells).rstrip("\t") + self._end)

    def _change(self, row: Row, wanted: Row) -> None:
        """Write those cells of a row that a decision changes."""
        line = self._lines[row.line - 1]
        end = "\r" if line.endswith("\r") else ""
        cells = line.rstrip("\r").split("\t")
        for name in ("replace_by", "decision", "why"):
            if getattr(row, name) != getattr(wanted, name):
                at = self._columns.index(name)
                cells += [""] * (at + 1 - len(cells))
                cells[at] = getattr(wanted, name)
        while len(cells) > 1 and not cells[-1]:
            cells.pop()
        self._lines[row.line - 1] = "\t".join(cells) + end

    def _need(self, *names: str) -> None:
        """Name the columns in the first line, if they are not."""
        missing = [name for name in names if name not in self._columns]
        if not missing:
            return
        self._columns += missing
        header = "\t".join(self._columns) + self._end
        if self._is_named and self._header is not None:
            self._lines[self._header] = header
        else:
            # In front of the first row, so that the numbers of the rows stay until all is put together.
            at = self._header if self._header is not None else len(self._lines) - (self._lines[-1] == "")
            self._inserted = (at, header)
        self._is_named = True

    _inserted: tuple[int, str] | None = None

    def lines(self) -> list[str]:
        """Return the lines of the file."""
        out: list[str] = []
        for i, line in enumerate(self._lines):
            if self._inserted is not None and self._inserted[0] == i:
                out.append(self._inserted[1])
            if i + 1 not in self._gone:
                out.append(line)
        if self._inserted is not None and self._inserted[0] >= len(self._lines):
            out.append(self._inserted[1])
        if not self._added:
            return out
        if out and out[-1] == "":
            return [*out[:-1], *self._added, ""]
        return [*out, *self._added, ""] if not any(out) else [*out, *(a.rstrip("\r") for a in self._added)]
