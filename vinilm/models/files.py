"""Files of a model folder that somebody else wrote: read with limits, compared with the sums that are said of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vinilm.errors import ModelError

Json = dict[str, Any]

#: SHA-256 of the other files, one a line, as ``sha256sum`` writes and checks it.
CHECKSUMS = "SHA256SUMS"
#: Bytes that a file may have: far above any real one, far below what could fill the memory.
SMALL, LARGE = 4 << 20, 256 << 20
# Bytes of a file's name, on the file systems in use.
_LONGEST_NAME = 255
_GIT_LFS = b"version https://git-lfs"


def read_json(file: Path, kind: type = dict, *, limit: int = SMALL) -> Any:
    """Return the content of a JSON file: a ``kind`` (dict or list). Raises ModelError."""
    try:
        with file.open("rb") as source:
            data = source.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise ModelError(f"{file}: more than {limit:,} bytes, which no such file needs; get the model again from its source")
    refuse_pointer(file, data)
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ModelError(f"{file}: not UTF-8 (byte {error.start}); JSON files of a model are UTF-8: save it so") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{file}: not JSON that can be read: {error}; get the file again from its source") from error
    if not isinstance(content, kind):
        what = "an object" if kind is dict else "a list"
        raise ModelError(f"{file}: {what} was expected, found {type(content).__name__}; get the file again from its source")
    return content


def read_json_if_there(file: Path, kind: type = dict) -> Any:
    """Return the content of a JSON file, or an empty ``kind`` if there is no such file. Raises ModelError."""
    return read_json(file, kind) if file.exists() else kind()


def inside(folder: Path, name: object, source: Path) -> Path:
    """Return ``folder / name``; ``name`` stands in ``source``, a file of the model, and must not lead out of the folder.

    Symbolic links are followed: in the cache of huggingface_hub, every file is one. Raises ModelError.
    """
    if not isinstance(name, str):
        raise ModelError(f"{source}: a path is a string, not {name!r:.80}")
    parts = re.split(r"[/\\]", name)
    if ".." in parts or name.startswith(("/", "\\", "~")) or ":" in name or "\0" in name:
        raise ModelError(f"{source}: the path {name!r:.80} leads out of the model's folder; do not use this model")
    if len(name.encode("utf-8", "replace")) > _LONGEST_NAME or not name.isprintable():
        raise ModelError(f"{source}: the path {name!r:.80} is not one that a file can have; get the file again from its source")
    return folder.joinpath(*parts)


def refuse_pointer(file: Path, beginning: bytes) -> None:
    """Raise ModelError if the file that begins so is a stand-in for one that was not fetched."""
    if beginning.startswith(_GIT_LFS):
        raise ModelError(f"{file}: a pointer of Git LFS, not the file itself; run `git lfs pull` in the clone of the model")


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises ModelError."""
    try:
        with file.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{file}: cannot be read: {error.strerror or error}") from error


def expected_sums(folder: Path) -> dict[Path, str]:
    """Return the SHA-256 of the files that ``SHA256SUMS`` in ``folder`` lists (no such file: of none). Raises ModelError."""
    file = folder / CHECKSUMS
    if not file.exists():
        return {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{file}: cannot be read: {error}") from error
    sums = {}
    for number, line in enumerate(lines, 1):
        entry = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
        if entry:
            sums[inside(folder, entry[2], file)] = entry[1].lower()
        elif line.strip():
            raise ModelError(
                f"{file}, line {number}: not `SHA-256  file`; write the file anew with vinilm.models.write_checksums, "
                "or delete it if the model's files are as they should be"
            )
    return sums


def check_sum(file: Path, found: str, expected: Mapping[Path, str]) -> None:
    """Compare the SHA-256 of a file with what ``SHA256SUMS`` or the cache of huggingface_hub says of it. Raises ModelError."""
    said, where = expected.get(file), CHECKSUMS
    real = file.resolve()
    # The hub's cache names a large file by the SHA-256 that the hub gave for it.
    if said is None and real.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", real.name):
        said, where = real.name, "the cache of huggingface_hub"
    if said is not None and said != found:
        raise ModelError(
            f"{file}: its SHA-256 is {found}, but {where} says {said}: the file is damaged or another one; "
            "get the model again from its source, or if you changed it yourself, call vinilm.models.write_checksums(folder)"
        )
