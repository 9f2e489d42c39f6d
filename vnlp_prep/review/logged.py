"""The edit log of a run (``vnlp-prep clean --edits FILE``) as groups of equal changes: nothing is cleaned again.

A log holds the changes, not the texts around them. Those come from the raw files where these are still there and unchanged.
"""

from __future__ import annotations

import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.edit_log import NoEntryError, edits_in, entry_in
from vnlp_prep.corpus.encodings import Decoder
from vnlp_prep.corpus.formats import Format, JsonLines
from vnlp_prep.corpus.readers import Input, is_regular, known_format
from vnlp_prep.corpus.records import Problem, field_name
from vnlp_prep.errors import InputError
from vnlp_prep.review.groups import Groups, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from vnlp_prep.corpus.records import Line
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.edits import Edit
    from vnlp_prep.review.figures import Figures


def is_edit_log(path: str, options: Options) -> bool:
    """Return True if the first line of a file is an entry of an edit log. What can be read only once is none."""
    if path == "-" or known_format(path) != "jsonl" or not (is_regular(path) and Path(path).is_file()):
        return False
    source = Input(path, options.limits, Decoder("utf-8"))
    try:
        entry_in(next(_lines(source)).raw)
    except (InputError, NoEntryError, StopIteration):
        return False
    return True


def collect_logged(
    logs: Sequence[str],
    options: Options,
    summary: Summary,
    *,
    figures: Figures | None = None,
    watch: Callable[[Summary, Input], None] | None = None,
) -> Groups:
    """Return the changes in edit logs in groups; ``summary`` and ``figures`` are filled, as by ``collect``.

    ``options`` say how the raw files were read. A raw file is looked for under the name that the log has for it, then beside
    the log. Raises InputError, with the line, for what is no edit log.
    """
    started = time.perf_counter()
    groups = Groups()
    done = 0  # records of the files before
    for path in logs:
        source = Input(path, options.limits, Decoder("utf-8"))
        source.check()
        for file, entries in groupby(_entries(source, summary), key=lambda item: item[1]["file"]):
            one = _OneFile(file, _RawFile(file, Path(path).parent, options), groups, summary, figures, done)
            for number, entry in entries:
                try:
                    one.add(entry)
                except NoEntryError as error:
                    raise InputError(f"{source.name}:{number}: {error}") from None
                if watch and number % 1000 == 0:
                    summary.seconds = time.perf_counter() - started
                    watch(summary, source)
            one.close()
            done += one.lines
        if source.damage:
            summary.damaged.append((source.name, source.damage))
    summary.seconds = time.perf_counter() - started
    return groups


def _lines(source: Input) -> Iterator[Line]:
    return (line for chunk in source.chunks() for line in chunk.lines())


def _entries(source: Input, summary: Summary) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the entries of a log with the numbers of their lines. Raises InputError."""
    for line in _lines(source):
        summary.bytes_read += line.length
        try:
            yield line.number, entry_in(line.raw)
        except NoEntryError as error:
            raise InputError(f"{source.name}:{line.number}: {error}") from None


class _OneFile:
    """What the log says of one input."""

    def __init__(self, name: str, raw: _RawFile, groups: Groups, summary: Summary, figures: Figures | None, done: int) -> None:
        self._name = name
        self._raw = raw
        self._groups = groups
        self._summary = summary
        self._figures = figures
        self._done = done
        self._rejects = self._seen = 0
        #: Lines of the input, or the last one that the log speaks of, if it does not say how many there were.
        self.lines = 0

    def add(self, entry: dict[str, Any]) -> None:
        """Take in an entry. Raises NoEntryError."""
        number = entry["line"]
        if number is None:
            self.lines = max(self.lines, entry["lines"] or 0)
            return
        if number < 1:
            raise NoEntryError("has a line below 1")
        self.lines = max(self.lines, number)
        summary, figures = self._summary, self._figures
        place = self._done + number - 1
        if "rejected" in entry:
            if not isinstance(entry["rejected"], str):
                raise NoEntryError("has a reason that is no text")
            summary.rejects[entry["rejected"]] += 1
            self._rejects += 1
            if figures is not None:
                figures.add_reject(self._name, place)
            return
        self._seen += 1
        edits, suggestions = edits_in(entry), edits_in(entry, "suggestions")
        texts = self._raw.texts(number, [name for name, _ in (*edits, *suggestions) if name is not None])
        for name in dict.fromkeys(name for name, _ in (*edits, *suggestions)):
            mine, suggested = _of(name, edits), _of(name, suggestions)
            # Edits made in reading (a byte-order mark) and those of plain text have no field.
            text = texts.get(name)
            if text is not None and any(text[e.start : e.end] != e.before for e in (*mine, *suggested)):
                text = None
            self._groups.add(Place(self._name, number, name), text, mine, suggested)
        summary.changed += bool(edits)
        summary.suggestions += len(suggestions)
        summary.edits.update(e.stage for _, e in edits)
        if figures is not None:
            figures.add_record(self._name, place, [e for _, e in edits], [e for _, e in suggestions])

    def close(self) -> None:
        """Count the records that the log is silent about: nothing was changed in them."""
        self._summary.records += self.lines - self._rejects
        if self._figures is not None and self.lines:
            self._figures.timeline.add(self._done + self.lines - 1, {})
            self._figures.file(self._name).records += self.lines - self._rejects - self._seen


def _of(name: str | None, edits: Iterable[tuple[str | None, Edit]]) -> list[Edit]:
    return [e for field, e in edits if field == name]


class _RawFile:
    """The raw texts of a log's file, line by line forward; none if the file is not there or cannot be read as it was."""

    def __init__(self, name: str, folder: Path, options: Options) -> None:
        self._options = options
        self._line: Line | None = None
        self._formats: dict[tuple[str, ...], Format] = {}
        self._lines: Iterator[Line] = iter(())
        self._format = None
        for path in (Path(name), folder / Path(name).name):
            self._format = known_format(str(path))
            if self._format in ("jsonl", "text") and path.is_file():
                is_whole = self._format == "text" and options.whole_file
                try:
                    source = Input(str(path), options.limits, Decoder(options.encoding))
                except InputError:
                    continue
                self._lines = (line for chunk in source.chunks(is_whole=is_whole) for line in chunk.lines())
                break

    def texts(self, number: int, fields: Sequence[str]) -> dict[str | None, str]:
        """Return the texts of a line by their fields; those that are not known are missing."""
        try:
            while self._line is None or self._line.number < number:
                self._line = next(self._lines)
            if self._line.number != number or self._line.is_cut:
                return {}
            record = self._reader(tuple(dict.fromkeys(fields))).read(self._line)
        except (StopIteration, InputError, Problem):
            return {}
        return {field_name(path): text for path, text in zip(record.paths, record.texts, strict=True)}

    def _reader(self, fields: tuple[str, ...]) -> Format:
        if self._format == "text":
            fields = ()
        if fields not in self._formats:
            if len(self._formats) > 100:  # whatever the log says
                self._formats.clear()
            is_text = self._format == "text"
            self._formats[fields] = self._options.format("text") if is_text else JsonLines(fields, "pass", self._options.encoding)
        return self._formats[fields]
