"""Bytes -> an archive that can be put together from pieces: each is a whole gzip member or Zstandard frame."""

from __future__ import annotations

import zlib

_GZIP, _GZIP_LEVEL = 31, 6  # zlib's code for a header and trailer of gzip; its own default of the tool


def packed(data: bytes, suffix: str) -> bytes:
    """Return ``data`` as one member of an archive of this suffix (``.gz``, ``.zst``), as they are without one.

    RFC 1952, section 2.2 and RFC 8878, section 3.1: members, or frames, in a row unpack to their contents in a row. There is no
    name and no time inside: the same bytes for the same input.
    """
    if suffix == ".gz":
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
        return packer.compress(data) + packer.flush()
    if suffix == ".zst":
        import zstandard

        return zstandard.ZstdCompressor(write_checksum=True).compress(data)
    return data
