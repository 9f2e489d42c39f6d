"""Findings that are known and left for now: only new ones are reported.

A finding is told by its file, rule, text, replacement and the words around it in its line, not by its line: what moves stays
known. Where a file has the same one several times, so many are known.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import open_output
from vnlp_prep.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vnlp_prep.check.finding import Finding

_VERSION = 1
#: Code points to either side that are looked at.
_AROUND = 24

#: File, rule, before, after, digest of what stands around it.
Key = tuple[str, str, str, str, str]


class Baseline:
    """The known findings of ``path``, if there is such a file."""

    def __init__(self, path: str, *, is_read: bool = True) -> None:
        """``is_read`` False: what is there does not count, for it will be replaced. Raises InputError for what is no baseline."""
        self.path = path
        self._folder = Path(path).resolve().parent
        self.exists = Path(path).exists()
        self._known: Counter[Key] = Counter()
        if self.exists and is_read:
            self._known = self._read()
        self._left = Counter(self._known)

    def _read(self) -> Counter[Key]:
        try:
            content = orjson.loads(Path(self.path).read_bytes())
            if content["version"] != _VERSION:
                raise ValueError
            known: Counter[Key] = Counter()
            for entry in content["findings"]:
                key = tuple(str(entry[name]) for name in ("file", "rule", "before", "after", "context"))
                known[key] += int(entry["count"])  # type: ignore[index]
        except OSError as error:
            raise InputError(f"{shown(self.path)}: {(error.strerror or str(error)).lower()}") from None
        except (ValueError, LookupError, TypeError):
            raise InputError(f"{shown(self.path)}: is no baseline; --update-baseline writes a new one") from None
        return known

    def new(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return those findings of a file that are not known, and cross the others off."""
        out = []
        for finding in findings:
            key = self._key(finding)
            if self._left[key] > 0:
                self._left[key] -= 1
            else:
                out.append(finding)
        return out

    def gone(self, files: Iterable[str]) -> int:
        """Return how many known findings of the files that were checked are there no more."""
        checked = {self._name(file) for file in files}
        return sum(count for key, count in self._left.items() if key[0] in checked)

    def write(self, findings: Iterable[Finding]) -> int:
        """Record ``findings`` in the place of what was known; return how many. Raises OutputError."""
        counts = Counter(self._key(finding) for finding in findings)
        target = open_output(self.path)
        try:
            target.append(b'{"version": %d, "findings": [' % _VERSION)
            for number, key in enumerate(sorted(counts)):
                target.append((b"," if number else b"") + b"\n" + orjson.dumps(_entry(key, counts[key])))
            target.append(b"\n]}\n")
            target.commit()
        except BaseException:
            target.abandon()
            raise
        return counts.total()

    def _key(self, finding: Finding) -> Key:
        around = f"{finding.field}\0{finding.left[-_AROUND:]}\0{finding.right[:_AROUND]}"
        digest = hashlib.sha256(around.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self._name(finding.file), finding.rule_id, _storable(finding.before), _storable(finding.after), digest

    def _name(self, file: str) -> str:
        """Return a file by its path from the folder of the baseline: it holds for whoever has the project elsewhere."""
        return os.path.relpath(Path.cwd() / file, self._folder).replace(os.sep, "/")


def _entry(key: Key, count: int) -> dict[str, Any]:
    file, rule, before, after, context = key
    return {"file": file, "rule": rule, "before": before, "after": after, "context": context, "count": count}


def _storable(text: str) -> str:
    """Return ``text`` without lone surrogates, which JSON cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
