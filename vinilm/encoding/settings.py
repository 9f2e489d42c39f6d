"""What the vectors of a run depend on, as a flat table: written into the journal, compared by the run that goes on."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vinilm.encoding.engine import LocalEngine
    from vnlp_prep.corpus.documents import Source
    from vnlp_prep.corpus.run import Options

#: Of the journal and of the hidden files: an older one is not gone on with.
_FORMAT = 1
#: Backend -> distribution whose version may change a result.
_LIBRARIES = {"torch": "torch", "openvino": "openvino", "onnx": "onnxruntime", "tensorflow": "tensorflow"}


@dataclass(frozen=True)
class Facts:
    """What is to be known of an engine, wherever its encoder is."""

    #: Of a vector.
    dimensions: int
    #: Where the encoder computes, as torch names it.
    device: str
    #: What an output says of how its vectors were made.
    made_with: dict[str, str]
    #: All of the engine that vectors depend on: name for people -> value that JSON can hold.
    settings: dict[str, Any]

    @classmethod
    def of(cls, engine: LocalEngine) -> Facts:
        """Return the facts of an engine in this process."""
        extractor = engine.extractor
        made_with = {
            "vnlp-prep": _version("vnlp-prep"),
            "model": extractor.model.path.name,
            "model_sha256": extractor.model.fingerprint,
            "cleaning_sha256": extractor.preprocessor.fingerprint if extractor.preprocessor else "none",
            "backend": extractor.backend.name,
            "device": extractor.backend.device,
            "dtype": extractor.backend.dtype,
            "pooling": extractor.pooling,
            "normalize": str(extractor.normalize).lower(),
            "max_tokens": str(extractor.max_tokens),
            "long": extractor.long,
            "prompt": engine.prompt,
            "similarity": extractor.model.similarity,
            "features_sha256": extractor.fingerprint,
        }
        library = _LIBRARIES[extractor.backend.name]
        settings: dict[str, Any] = {
            **made_with,
            "tokenizers": _version("tokenizers"),
            library: _version(library),
            "batch-tokens": engine.batch_tokens,
            "truncate-dim": engine.truncate_dim,
            "precision": engine.dtype.str,
        }
        return cls(engine.truncate_dim or extractor.hidden_size, extractor.backend.device, made_with, settings)


def run_settings(
    facts: Facts, options: Options, sources: Sequence[Source], *, chunk_records: int, id_field: str | None
) -> dict[str, Any]:
    """Return all that the output of a run depends on: name for people -> value that JSON can hold."""
    return {
        "journal": _FORMAT,
        **facts.settings,
        "chunk-records": chunk_records,
        "id-field": id_field,
        **corpus_settings(options, sources),
    }


def corpus_settings(options: Options, sources: Sequence[Source]) -> dict[str, Any]:
    """Return what the texts of a corpus depend on: how it is read, and which files it is; as ``run_settings``."""
    settings: dict[str, Any] = {
        "field": list(options.fields),
        "whole-file": options.whole_file,
        "on-missing": options.on_missing,
        "encoding": options.encoding,
        **{name.replace("_", "-"): value for name, value in asdict(options.limits).items()},
        "inputs": len(sources),
    }
    for number, source in enumerate(sources, 1):
        settings |= _identity(source, f"input {number}")
    return settings


def _identity(source: Source, where: str) -> dict[str, Any]:
    """Return what tells whether an input is the same file; of a stream only what is read can tell."""
    identity: dict[str, Any] = {where: source.input.name, f"format of {where}": source.format}
    if source.input.size is not None:
        there = os.fstat(0) if source.path == "-" else Path(source.path).stat()
        identity |= {f"size of {where}": there.st_size, f"time of change of {where}": there.st_mtime_ns}
    return identity


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"
