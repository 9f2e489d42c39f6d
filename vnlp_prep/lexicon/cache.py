"""The user's cache folder: files that are made once and then mapped by every process that needs them.

A file appears under its name whole or not at all, also when several processes make it at once; where no cache can be written,
whoever asked works in memory. Nothing here is ever unpickled: callers check what they map by a digest.
"""

from __future__ import annotations

import mmap
import os
import secrets
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for this package: ``$VNLP_PREP_CACHE``, or by the platform's convention."""
    given = os.environ.get("VNLP_PREP_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vnlp-prep"


def mapped(path: Path) -> memoryview | None:
    """Return the bytes of a file, shared with all processes that map it; None where there is no such file, or an empty one."""
    try:
        with path.open("rb") as f:
            return memoryview(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError):
        return None


def leave(path: Path, *parts: bytes) -> bool:
    """Write ``parts`` to ``path``, whole or not at all; False where that cannot be done."""
    # Not tempfile: a file of that is for its owner alone, and a service under another user could not map it.
    temporary = path.with_name(f".{path.stem[:20]}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as f:
                f.writelines(parts)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            return False
    except OSError:
        return False
    return True
