"""Whole files: checked, and fixed, without the disk being touched but for the fix."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vnlp_prep.check.diff import Moved, blocks_of, unified
from vnlp_prep.check.finding import Finding
from vnlp_prep.check.passages import Passage, passages, rewritten
from vnlp_prep.check.rules import INPUT
from vnlp_prep.corpus.documents import Document, Source
from vnlp_prep.corpus.packing import packed
from vnlp_prep.corpus.readers import split_name
from vnlp_prep.corpus.records import Problem
from vnlp_prep.corpus.writers import Partial
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from vnlp_prep.check.checker import Checker, Proposal
    from vnlp_prep.corpus.records import Record
    from vnlp_prep.corpus.run import Options

#: Code points of its line that are kept on either side of a finding.
AROUND = 120
_BLOCK_BYTES = 1024 * 1024  # written at a time


@dataclass
class Checked:
    """What was found in a file."""

    findings: list[Finding] = field(default_factory=list)
    #: Records that are not blank, and how many of them have a text.
    records: int = 0
    with_text: int = 0
    #: What is wrong with the file as a whole; what was read is checked.
    damage: str | None = None


class CheckedFile:
    """A file that is checked or fixed by ``checker``. Raises InputError when it is made if it cannot be read."""

    def __init__(self, path: str, name: str, format: str, options: Options, checker: Checker) -> None:
        """``name`` is how the file is called in findings; ``format``: ``jsonl`` or ``text``, which is one text as a whole."""
        self.path = path
        self.name = name
        self._checker = checker
        self._source = Source(path, options, format, None)

    def check(self) -> Checked:
        """Return what is found. Raises InputError, SettingsError (a pattern that takes too long)."""
        checked = Checked()
        for document in self._source.documents():
            checked.records += not document.is_blank
            checked.with_text += bool(document.texts) or document.problem is not None
            try:
                if document.problem is not None:
                    raise document.problem
                if document.record is not None:
                    for passage in passages(document.record):
                        checked.findings += self._found(passage)
            except Problem as problem:
                if f"{INPUT}/{problem.code}" in self._checker.rules:
                    checked.findings.append(self._problem(document, problem))
        checked.damage = self._source.input.damage
        return checked

    def _found(self, passage: Passage) -> Iterator[Finding]:
        for proposal in self._checker.proposals(passage.text):
            yield self._finding(passage, proposal)

    def _finding(self, passage: Passage, proposal: Proposal) -> Finding:
        e, origin, text = proposal.edit, passage.origin, passage.text
        line, column = origin.place(e.start)
        end_line, end_column = origin.place(e.end)
        left = text[max(0, e.start - AROUND) : e.start].rpartition("\n")[2]
        right = text[e.end : e.end + AROUND].partition("\n")[0]
        return Finding(
            self.name, line, column, end_line, end_column, passage.field, e.stage, e.rule, e.before, e.after,
            round(e.confidence, 4), proposal.safe, origin.file_column(e.start), origin.file_column(e.end),
            origin.written(e.after), left, right,
        )  # fmt: skip

    def _problem(self, document: Document, problem: Problem) -> Finding:
        at = document.line.number
        left = document.line.raw[:AROUND].decode("utf-8", "replace").rstrip("\r\n").replace("\n", " ")
        return Finding(
            self.name, at, 1, at, 1, problem.field, INPUT, problem.code, "", "", 1.0, False, 1, 1, right=left,
            message=problem.sentence.replace("--format text", "--input-format text"),
        )  # fmt: skip

    # --- Fixing -------------------------------------------------------------------------------------------------------

    def diff(self, *, unsafe: bool) -> Iterator[bytes]:
        """Yield what a fix would change, as a unified diff. Raises InputError as ``fix``."""
        lines = self._lines(Counter(), unsafe=unsafe)
        yield from unified(self.name, (block for raw, after, moved in lines for block in blocks_of(raw, after, moved)))

    def fix(self, *, unsafe: bool) -> Counter[str]:
        """Write the fixed file in the place of the old one, whole or not at all, and return the edits by rule.

        A file with nothing to fix is not written. Raises OutputError, and InputError for what cannot be fixed byte for byte:
        another encoding than UTF-8, an archive that is damaged, a line that is too long.
        """
        made: Counter[str] = Counter()
        suffix = split_name(self.path)[1]
        target = Partial(self.path)
        waiting: list[bytes] = []
        size = 0
        try:
            for _, after, _ in self._lines(made, unsafe=unsafe):
                waiting.append(after)
                size += len(after)
                if size >= _BLOCK_BYTES:
                    target.append(packed(b"".join(waiting), suffix))
                    waiting, size = [], 0
            if made:
                target.append(packed(b"".join(waiting), suffix))
                target.commit()
        finally:
            target.abandon()
        return made

    def _lines(self, made: Counter[str], *, unsafe: bool) -> Iterator[tuple[bytes, bytes, list[Moved]]]:
        """Yield every line as it is, as it is fixed, and where it changes; count in ``made`` the edits by rule."""
        for document in self._source.documents():
            line, record = document.line, document.record
            if line.is_cut:
                raise InputError(f"{self.name}:{line.number}: the line is too long to be fixed; raise --max-line-bytes")
            edits = list(self._edits(record, made, unsafe=unsafe)) if record is not None else []
            if record is None or not edits:
                yield line.raw, line.raw, []
                continue
            if record.encoding or self._source.input.decoder.is_stream:
                raise InputError(f"{self.name}:{line.number}: is not UTF-8, and a fix writes nothing else; convert it first")
            yield line.raw, *rewritten(record, edits)
        if self._source.input.damage:
            raise InputError(f"{self.name}: {self._source.input.damage}; a damaged file is not fixed")

    def _edits(self, record: Record, made: Counter[str], *, unsafe: bool) -> Iterator[tuple[int, int, str]]:
        """Yield the edits of a record's body. Of a text that cannot be checked there are none: ``check`` tells of it."""
        with contextlib.suppress(Problem):
            for passage in passages(record):
                origin = passage.origin
                for e in self._checker.fixes(passage.text, unsafe=unsafe):
                    made[f"{e.stage}/{e.rule}"] += 1
                    yield origin.offset(e.start), origin.offset(e.end), origin.written(e.after)
