"""What a check is told: which rules hold for which files, what is ignored, what is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vnlp_prep.check.globs import Glob
from vnlp_prep.check.rules import INPUT, all_rules, chosen
from vnlp_prep.corpus.inputs import Named, find_inputs
from vnlp_prep.corpus.readers import known_format, split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Files in which markup is meant: HTML stays, and so do lines under headings and the quotation marks of a careful author.
_MARKUP = {".adoc", ".asciidoc", ".htm", ".html", ".markdown", ".md", ".mdx", ".rst"}
_TEXT = {".text", ".txt"}
#: What is not looked for in such files unless it is chosen by name.
LEFT_IN_MARKUP = ("html", "unicode/quote", "repeats/ruler")


def is_markup(path: str) -> bool:
    """Return True for a file in which HTML is meant, by its name."""
    return Path(split_name(path)[0]).suffix.lower() in _MARKUP


def checked_format(path: str) -> str | None:
    """Return how a file is read, by its name: ``jsonl`` or ``text``; None if the name does not tell, or it is a table."""
    if is_markup(path) or Path(split_name(path)[0]).suffix.lower() in _TEXT:
        return "text"
    return "jsonl" if known_format(path) == "jsonl" else None


def _in_folders(path: str) -> str | None:
    """As ``checked_format``, for a file that nobody named: a ``.json`` there is hardly JSON lines."""
    return None if split_name(path)[0].lower().endswith(".json") else checked_format(path)


@dataclass(frozen=True)
class CheckSettings:
    """The settings of a check, as they were given. Raises SettingsError for a rule that there is not."""

    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    exclude: Sequence[Glob] = ()
    ignore_words: Sequence[str] = ()
    ignore_patterns: Sequence[str] = ()
    per_file_ignores: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: The folder that the patterns of ``per_file_ignores`` start from.
    base: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        for names, where in ((self.select, "select"), (self.ignore, "ignore")):
            chosen(names, where)
        for pattern, names in self.per_file_ignores.items():
            chosen(names, f"per-file-ignores, {pattern!r}")

    def rules(self, path: str) -> frozenset[str]:
        """Return the identifiers of the rules that hold for a file."""
        if self.select:
            rules = chosen(self.select, "select")
            # Whoever looks for typos alone must still hear of lines that cannot be read.
            rules |= chosen([INPUT], "select")
        else:
            rules = frozenset(all_rules())
            if is_markup(path):
                rules -= chosen(LEFT_IN_MARKUP, "select")
        rules -= chosen(self.ignore, "ignore")
        for glob, names in self._globs:
            if glob.matches(path):
                rules -= chosen(names, "per-file-ignores")
        return rules

    @cached_property
    def _globs(self) -> list[tuple[Glob, Sequence[str]]]:
        return [(Glob(pattern, self.base), names) for pattern, names in self.per_file_ignores.items()]

    def files(self, paths: Sequence[str], format: str | None = None, stdin_name: str | None = None) -> list[str]:
        """Return the files that are to be checked, each once: those of folders and patterns, without what is excluded.

        ``stdin_name``: how standard input is called. Raises InputError for a folder or pattern with nothing in it.
        """
        known = _in_folders if format is None else (lambda _: format)
        found = [named for path in paths for named in self._in(path, known)]
        return [path for path in dict.fromkeys(n.path for n in found) if not self._is_excluded(path, stdin_name)]

    def _is_excluded(self, path: str, stdin_name: str | None = None) -> bool:
        called = stdin_name if path == "-" else path
        return called is not None and any(glob.matches(called) for glob in self.exclude)

    def _in(self, path: str, known: Any) -> list[Named]:
        if path != "-" and not Path(path).exists() and self._is_excluded(path):
            return []
        return find_inputs([path], known=known)


def format_of(path: str, given: str | None) -> str:
    """Return how a file is read: as ``given``, or by its name. Raises InputError."""
    format = given or checked_format(path)
    if format is None:
        if known_format(path) == "parquet":
            raise InputError(f"{shown(path)}: tables are not checked; vnlp-prep {shown(path)} -o FILE.parquet cleans it")
        raise InputError(f"{shown(path)}: the name does not tell the format; say --input-format jsonl or --input-format text")
    return format
