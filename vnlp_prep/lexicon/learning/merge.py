"""What was learnt, put together with the file that is there. What a person changed, added or rejected in it stays.

Each line that ``learn`` writes ends with a mark: a short digest of what a person may want to change in it. A line without its
right mark is a person's, and so is every comment but ours. Lines that were deleted come back when the corpus still has the word:
to be rid of a word for good its line stays, with the decision ``reject``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from vnlp_prep.lexicon.files import COLUMNS, RIGHT, Row, Term, read_rows, row_line
from vnlp_prep.lexicon.learning.decide import Decision

_OURS = "# vnlp-prep learn: "
_HEADER = (
    "words of a corpus. 'term' and 'known' are right; 'misspelling' and 'run-together' are not used.",
    "change any line, or add your own; set a decision to 'reject', or fill in 'replace_by'. Your lines stay.",
)
_ORDER = {"term": 0, "misspelling": 1, "run-together": 1, "known": 2}


@dataclass
class Learnt:
    """A learnt list: a person's comments and rows in their order, and the rows that were learnt."""

    yours: list[Row | str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def your_rows(self) -> list[Row]:
        """A person's rows."""
        return [row for row in self.yours if isinstance(row, Row)]

    @property
    def your_terms(self) -> list[Term]:
        """What a person's rows add to a lexicon."""
        return [term for row in self.your_rows if (term := row.effect) is not None]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the file."""
        for text in _HEADER:
            yield _OURS + text
        yield "\t".join(COLUMNS)
        for item in self.yours:
            yield item if isinstance(item, str) else row_line(replace(item, mark=""))
        for row in self.rows:
            yield row_line(replace(row, mark=mark_of(row)))


def mark_of(row: Row) -> str:
    """Return the mark of a learnt row: four letters, which no spreadsheet takes for a number."""
    text = "\t".join((row.term, str(row.count), str(row.documents), row.replace_by, row.decision, row.meant))
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=4).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest)


def read_learnt(path: Path) -> Learnt:
    """Return the list at ``path``, a person's rows told from learnt ones. Raises LexiconError with file and line."""
    learnt = Learnt()
    for item in read_rows(path):
        if isinstance(item, str):
            if not item.startswith(_OURS):
                learnt.yours.append(item)
        elif item.mark and item.mark == mark_of(item):
            learnt.rows.append(item)
        else:
            learnt.yours.append(item)
    return learnt


def merged(before: Learnt, decisions: Iterable[Decision]) -> Learnt:
    """Return the list that is to be written: a person's rows as they were, then what was learnt.

    Of a word that was learnt before as well, the row with more documents stays, so that the same corpus gives the same file again
    and a smaller one takes nothing back.
    """
    yours = {row.term.lower() for row in before.your_rows}
    rows = {row.term.lower(): row for row in before.rows}
    for decision in decisions:
        row = _row_of(decision)
        old = rows.get(row.term.lower())
        if old is None or old.documents <= row.documents:
            rows[row.term.lower()] = row
    kept = [row for low, row in rows.items() if low not in yours]
    kept.sort(key=lambda r: (_ORDER.get(r.decision, 0), -r.documents, -r.count, r.term.lower(), r.term))
    return Learnt(before.yours, kept)


def is_right(row: Row) -> bool:
    """True if the row makes its word a known one."""
    return row.decision in RIGHT and not row.replace_by


def _row_of(d: Decision) -> Row:
    variants = ", ".join(f"{form} {n}" for form, n in d.variants)
    return Row(
        term=d.term,
        count=d.count,
        documents=d.documents,
        decision=d.kind,
        meant=d.of,
        sources=d.sources,
        variants=variants,
        why=d.why,
    )
