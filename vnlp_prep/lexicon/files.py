"""The lexicon's files: plain text that a person can read and edit, checked line by line; nothing is ever unpickled.

Term list (what users write, and ``data/lexicon/vmware.tsv``): one term a line, columns separated by tabs, ``#`` starts a
comment line. Columns, by position or named by a first line that starts with ``term``:

    term       the word as it is to be written: no white space, 60 characters at most
    count      how often it was seen (a whole number, 1 at least; default 1)
    documents  in how many documents (default 1)
    replace_by what to write instead, if the term is a mistake (default: nothing, the term is right)

With a first line that names them, a list may have more columns; ``vnlp-prep learn`` writes them (``vnlp_prep.lexicon.learning``):

    decision   term or known: the word is right; misspelling, run-together or reject: the line adds nothing (unless a
               misspelling has a replace_by: then it is replaced); default: term
    meant      what the word was probably meant as: for a person, it replaces nothing
    sources, variants, why, mark    evidence, and how ``learn`` tells its own lines from those of a person

Band list (the shipped general English): each line is a count in hundredths of the Zipf scale, a tab, and all words that
have it, separated by spaces. It loads twenty times as fast as a line a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from vnlp_prep.errors import LexiconError

_COLUMNS = ("term", "count", "documents", "replace_by")
#: The columns of a list that was learnt, in the order in which they are written.
COLUMNS = (*_COLUMNS, "decision", "meant", "sources", "variants", "why", "mark")
#: What a line may be, and of these what makes its word a known one.
DECISIONS = ("term", "known", "misspelling", "run-together", "reject")
RIGHT = ("", "term", "known")
MAX_TERM = 60
_MAX_COUNT = 10**12
_MAX_BYTES = 200_000_000
_MAX_REMARK = 500


@dataclass(frozen=True, slots=True)
class Term:
    """One line of a term list."""

    term: str
    count: int = 1
    documents: int = 1
    replace_by: str = ""

    def __iter__(self) -> Iterator[str | int]:
        """The columns, in their order."""
        return iter(astuple(self))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a term list with all its columns, and the number of the line (0 for one that was not read)."""

    term: str
    count: int = 1
    documents: int = 1
    replace_by: str = ""
    decision: str = ""
    meant: str = ""
    sources: int = 0
    variants: str = ""
    why: str = ""
    mark: str = ""
    line: int = 0

    @property
    def effect(self) -> Term | None:
        """What the line adds to a lexicon: a known word, a replacement, or nothing."""
        if self.decision == "reject" or (self.decision not in RIGHT and not self.replace_by):
            return None
        return Term(self.term, self.count, self.documents, self.replace_by)


def data_folder() -> Path:
    """Folder of the shipped data: inside the installed package, or beside it in a checkout."""
    here = Path(__file__).resolve().parents[1]
    inside = here / "data"
    return inside if inside.is_dir() else here.parent / "data"


def read_text(path: Path) -> str:
    """Return the file's text. Raises LexiconError when it is no readable UTF-8 text."""
    return text_of(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. Raises LexiconError when it cannot be read or is too large."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise LexiconError(f"{path}: {size} bytes is too large for a lexicon (at most {_MAX_BYTES})")
        return path.read_bytes()
    except OSError as e:
        raise LexiconError(f"{path}: cannot read the lexicon: {e.strerror or e}") from e


def text_of(data: bytes, path: Path) -> str:
    """Return the text of the file ``path``, which has the bytes ``data``. Raises LexiconError when it is no UTF-8 text."""
    if b"\0" in data[:10_000] or data[:1] == b"\x80":
        raise LexiconError(f"{path}: not a text file; a lexicon is tab-separated text, one term a line")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise LexiconError(f"{path}:{line}: not UTF-8 text; save the lexicon as UTF-8") from e


def read_terms(path: Path) -> list[Term]:
    """Return the terms of a term list. Raises LexiconError with file and line on the first thing that is wrong."""
    rows = (row.effect for row in read_rows(path) if isinstance(row, Row))
    return [term for term in rows if term is not None]


def read_rows(path: Path) -> list[Row | str]:
    """Return the lines of a term list in their order: rows, and comments as they stand.

    Raises LexiconError with file and line on the first thing that is wrong.
    """
    return rows_of(read_text(path), path)


#: The rows of lines that were read before, by the columns of their list.
RowsMet = dict[tuple[str, ...], dict[str, Row]]


def rows_of(text: str, path: Path, met: RowsMet | None = None) -> list[Row | str]:
    """Return the lines of the term list ``path``, which has the text ``text``, as ``read_rows`` does.

    ``met``: what to remember rows in, for a list that is read again and again with few changes.
    """
    met = {} if met is None else met
    columns: tuple[str, ...] = _COLUMNS
    found: list[Row | str] = []
    first_seen: dict[str, int] = {}
    has_rows = False
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip():
            continue
        if line[0] == "#":
            found.append(line)
            continue
        if not has_rows:
            has_rows = True
            cells = line.split("\t")
            if cells[0] == "term":
                columns = _named_columns(cells, f"{path}:{number}")
                continue
        known = met.setdefault(columns, {})
        row = known.get(line)
        if row is None or row.line != number:
            row = known[line] = replace(row, line=number) if row else _row(line, columns, f"{path}:{number}", number)
        if row.term in first_seen:
            where = f"{path}:{number}"
            raise LexiconError(f"{where}: {row.term!r} stands already in line {first_seen[row.term]}; keep one of the two")
        first_seen[row.term] = number
        found.append(row)
    return found


def _named_columns(cells: list[str], where: str) -> tuple[str, ...]:
    unknown = [c for c in cells if c not in COLUMNS]
    if unknown or len(set(cells)) < len(cells):
        raise LexiconError(f"{where}: unknown or repeated column {unknown or tuple(cells)}; known are {', '.join(COLUMNS)}")
    return tuple(cells)


def _row(line: str, columns: tuple[str, ...], where: str, number: int) -> Row:
    values = line.split("\t")
    if len(values) > len(columns):
        raise LexiconError(f"{where}: {len(values)} columns where {', '.join(columns)} are known")
    cells = dict(zip(columns, (value.strip() for value in values), strict=False))
    decision = cells.get("decision", "").lower()
    if decision and decision not in DECISIONS:
        raise LexiconError(f"{where}: decision {decision[:20]!r} is none of {', '.join(DECISIONS)}")
    return Row(
        term=_word(cells["term"], where),
        count=_number(cells.get("count", ""), "count", where),
        documents=_number(cells.get("documents", ""), "documents", where),
        replace_by=_replacement(cells.get("replace_by", ""), where),
        decision=decision,
        meant=_replacement(cells.get("meant", ""), where),
        sources=_number(cells["sources"], "sources", where) if cells.get("sources", "0") not in ("", "0") else 0,
        variants=_remark(cells.get("variants", ""), "variants", where),
        why=_remark(cells.get("why", ""), "why", where),
        mark=_remark(cells.get("mark", ""), "mark", where),
        line=number,
    )


def _remark(cell: str, name: str, where: str) -> str:
    if len(cell) > _MAX_REMARK or not cell.isprintable():
        raise LexiconError(f"{where}: {name} is longer than {_MAX_REMARK} characters or has control characters")
    return cell


def _word(cell: str, where: str) -> str:
    if not cell or len(cell) > MAX_TERM or any(c.isspace() for c in cell) or not cell.isprintable():
        shown = cell if len(cell) <= MAX_TERM else cell[:MAX_TERM] + "..."
        raise LexiconError(f"{where}: {shown!r} is no term: one word, {MAX_TERM} characters at most, no control characters")
    return cell


def _replacement(cell: str, where: str) -> str:
    if len(cell) > 2 * MAX_TERM or not cell.isprintable():
        raise LexiconError(f"{where}: the replacement is too long or has control characters")
    return cell


def _number(cell: str, name: str, where: str) -> int:
    if not cell:
        return 1
    if not (cell.isascii() and cell.isdigit() and len(cell) < 14 and 1 <= int(cell) <= _MAX_COUNT):
        raise LexiconError(f"{where}: {name} {cell[:20]!r} is not a whole number from 1 to {_MAX_COUNT}")
    return int(cell)


def write_terms(path: Path, terms: list[Term]) -> None:
    """Write a term list that ``read_terms`` reads back."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write("\t".join(_COLUMNS) + "\n")
        for t in terms:
            out.write(f"{t.term}\t{t.count}\t{t.documents}\t{t.replace_by}".rstrip("\t") + "\n")


def row_line(row: Row) -> str:
    """Return the line of a list with the columns ``COLUMNS``; ``read_rows`` reads it back."""
    values = (getattr(row, name) for name in COLUMNS)
    return "\t".join("" if value == 0 else str(value) for value in values).rstrip("\t")


def read_bands(path: Path) -> dict[str, int]:
    """Return word -> hundredths of the Zipf scale out of a band list."""
    words: dict[str, int] = {}
    for line in read_text(path).split("\n"):
        if line and line[0] != "#":
            value, _, members = line.partition("\t")
            words.update(dict.fromkeys(members.split(" "), int(value)))
    return words


def read_pairs(path: Path) -> dict[str, str]:
    """Return misspelling -> corrections (separated by ``|``) out of the shipped table."""
    rows = (line.partition("\t") for line in read_text(path).split("\n") if line and line[0] != "#")
    return {wrong: right for wrong, _, right in rows}


def read_followers(path: Path, keys: int) -> Iterator[tuple[list[str], Iterator[tuple[str, int]]]]:
    """Yield the lines of a table: ``keys`` cells, and then what follows them, each with its value.

    The cells behind the keys are a word or letter, a space and a whole number.
    """
    for line in read_text(path).split("\n"):
        if line and line[0] != "#":
            cells = line.split("\t")
            parted = (cell.rpartition(" ") for cell in cells[keys:])
            yield cells[:keys], ((follower, int(value)) for follower, _, value in parted)
