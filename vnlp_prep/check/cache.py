"""What was found in files that have not changed since: by a digest of their contents and of all that the answer depends on."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from vnlp_prep.check.files import Checked
from vnlp_prep.check.finding import Finding
from vnlp_prep.lexicon.cache import cache_folder, leave

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMAT = "vnlp-prep check 1"
#: Files that are kept; when there are more, those that were not asked for longest are removed.
MAX_FILES = 4096
#: What has more findings is checked anew: reading them back would take as long.
_MAX_FINDINGS = 20_000
_BLOCK_BYTES = 1024 * 1024
_FIELDS = [field.name for field in fields(Finding)]


class Cache:
    """The results of earlier checks, in the user's cache folder. Whatever cannot be read or written there is no error."""

    def __init__(self, settings: Sequence[object]) -> None:
        """``settings``: all that a result depends on besides the file and what ``key`` is told; JSON must be able to hold it."""
        self._folder = cache_folder() / "check"
        self._settings = settings
        self._added = False

    def key(self, path: str, *more: object) -> str | None:
        """Return the key of the file ``path`` as it is now; None for what is no regular file, or cannot be read."""
        if path == "-" or not Path(path).is_file():
            return None
        digest = hashlib.sha256(orjson.dumps([_FORMAT, self._settings, more]))
        try:
            with Path(path).open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
        except OSError:
            return None
        return digest.hexdigest()

    def get(self, key: str | None, name: str) -> Checked | None:
        """Return what was found for ``key``, in a file that is called ``name`` now; None if that is not known."""
        if key is None:
            return None
        path = self._folder / f"{key}.json"
        try:
            entry = orjson.loads(path.read_bytes())
            findings = [Finding(name, *row[1:]) for row in entry["findings"]]
            checked = Checked(findings, int(entry["records"]), int(entry["with_text"]))
            with contextlib.suppress(OSError):
                os.utime(path)  # it is still of use
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return checked

    def put(self, key: str | None, checked: Checked) -> None:
        """Remember what was found."""
        if key is None or checked.damage is not None or len(checked.findings) > _MAX_FINDINGS:
            return
        rows = [["", *astuple(finding)[1:]] for finding in checked.findings]
        entry: dict[str, Any] = {"findings": rows, "records": checked.records, "with_text": checked.with_text}
        with contextlib.suppress(TypeError):  # lone surrogates, which UTF-8 cannot hold
            self._added = leave(self._folder / f"{key}.json", orjson.dumps(entry)) or self._added

    def close(self) -> None:
        """Remove what has not been of use for longest, if there is too much."""
        if not self._added:
            return
        with contextlib.suppress(OSError):
            entries = [entry for entry in os.scandir(self._folder) if entry.name.endswith(".json")]
            if len(entries) > MAX_FILES:
                entries.sort(key=lambda entry: entry.stat().st_mtime)
                for entry in entries[: len(entries) - MAX_FILES * 3 // 4]:
                    Path(entry.path).unlink(missing_ok=True)
