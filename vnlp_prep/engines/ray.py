"""Ray Data: it deals out the parts of a run to actors, one for each core; or cleans a column of a dataset of one's own.

An actor holds the preprocessor. Ray starts one that died anew, and has what it was at done again: a part is written whole or not
at all, so nothing is lost and nothing is there twice.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.readers import MAX_LINE_BYTES
from vnlp_prep.corpus.records import Problem
from vnlp_prep.corpus.tables import TableFormat
from vnlp_prep.engines.cluster import check_installed, connected
from vnlp_prep.engines.parts import PART_BYTES, Part
from vnlp_prep.engines.runs import FolderRun
from vnlp_prep.engines.shards import Done, PartCleaner
from vnlp_prep.engines.storage import File, first_line
from vnlp_prep.errors import InputError, OutputError, SettingsError, VnlpError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from ray.data import Dataset

    from vnlp_prep.corpus.cleaning import Cleaner
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.summary import Summary

_ERRORS = {kind.__name__: kind for kind in (InputError, OutputError, WorkerError)}


def clean_files(
    inputs: Sequence[str],
    folder: str,
    preprocessor: Cleaner,
    options: Options,
    *,
    format: str | None = None,
    address: str | None = None,
    actors: int | None = None,
    resume: bool = False,
    part_bytes: int = PART_BYTES,
    progress: bool = True,
) -> Summary:
    """Clean ``inputs`` into shards in ``folder`` on a Ray cluster, and return what was done.

    ``inputs`` are files, folders and patterns, ``folder`` is a new or empty one; all may be URIs of any file system that Arrow or
    fsspec knows. ``format``: of the inputs, by their names if None. ``address``: see :func:`connected`. ``actors``: at most so
    many, of one core each; None: as many as the cluster has cores. ``resume``: go on with an interrupted run, if there is one.
    ``part_bytes``: of an input in a part. ``progress``: show Ray's own.

    Raises InputError, OutputError, SettingsError (CannotResumeError, no cluster), and VnlpError for what stops an engine; then
    the parts that are done stay for ``resume``.
    """
    check_installed()
    run = FolderRun(inputs, folder, preprocessor, options, format=format, resume=resume, part_bytes=part_bytes)
    if run.finished is not None:
        return run.finished
    if not run.left:
        return run.finish(())
    with connected(address) as ray:
        import ray.data

        return run.finish(_dealt_out(ray, run.left, PartCleaner(preprocessor, options, folder), actors, progress))


def _dealt_out(ray: Any, parts: Sequence[Part], cleaner: PartCleaner, actors: int | None, progress: bool) -> Iterator[Done]:
    """Have the parts done, and yield their records in any order. Raises VnlpError."""
    most = min(len(parts), actors or _cores(ray))
    # A block for each part: a block is what is done again when an actor dies.
    dataset = ray.data.from_items([{"part": json.dumps(asdict(part))} for part in parts], override_num_blocks=len(parts))
    dataset.context.enable_progress_bars = progress
    dataset.context.print_on_execution_start = progress
    dataset = dataset.map_batches(
        _PartActor,
        batch_size=1,
        batch_format="pyarrow",
        # One part waits for each actor, no more: which of them is slow is not known before.
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most, initial_size=most, max_tasks_in_flight_per_actor=2),
        fn_constructor_kwargs={"cleaner": cleaner},
        num_cpus=1,
    )
    log = logging.getLogger("ray.data")
    level = log.level
    try:
        if not progress:
            log.setLevel(logging.ERROR)
        for row in dataset.iter_rows():
            if row["error"]:
                raise _ERRORS.get(row["kind"], VnlpError)(row["error"])
            yield Done.from_json(row["done"])
    except ray.exceptions.RayError as error:
        raise VnlpError(f"Ray stopped the run: {first_line(error)}; what is done stays, --resume goes on with it") from error
    finally:
        log.setLevel(level)


def _cores(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


class _PartActor:
    """Cleans parts, one at a time. What goes wrong is a result, for Ray would wrap it in pages of its own."""

    def __init__(self, cleaner: PartCleaner) -> None:
        self._cleaner = cleaner

    def __call__(self, batch: pa.Table) -> dict[str, list[Any]]:
        part = json.loads(batch["part"][0].as_py())
        try:
            done = self._cleaner(Part(**{**part, "file": File(**part["file"])}))
        except Exception as error:
            message = str(error) if isinstance(error, VnlpError) else f"{part['file']['path']}: {type(error).__name__}: {error}"
            return {"done": [b""], "kind": [type(error).__name__], "error": [message]}
        return {"done": [done.to_json()], "kind": [""], "error": [""]}


# --- A dataset of the user's own ----------------------------------------------------------------------------------------


def clean(
    dataset: Dataset,
    *,
    field: str | Sequence[str] = "text",
    preprocessor: Cleaner | None = None,
    on_missing: str = "pass",
    reasons: str | None = None,
    max_text_bytes: int = MAX_LINE_BYTES,
    actors: int | None = None,
    batch_size: int | None = 1024,
    **more: Any,
) -> Dataset:
    """Return ``dataset`` with the texts in the column ``field`` (or in several) cleaned; all else in it stays.

    ``field``: see :class:`TableFormat`: ``a.b`` leads into structs. ``preprocessor``: the default one if None. ``on_missing``: a
    null passes as it is, or is a reason to reject the row. No row ever goes: ``reasons`` names a column to add, in which stands
    why a row could not be cleaned, ``CODE: SENTENCE``, and null for all others; such a row keeps its texts as they were. Without
    it the first such row stops the dataset with a VnlpError. ``actors``: at most so many, of one core each; None: as many as the
    cluster has cores. ``batch_size``: rows that are cleaned at a time. What else is given goes to ``map_batches``.

    Lazy, as all of Ray Data. Raises SettingsError for settings; a column that is not there, or holds no strings, is an InputError
    when the dataset is computed.
    """
    import ray

    if on_missing not in ("reject", "pass"):
        raise SettingsError(f"on_missing={on_missing!r} must be 'reject' or 'pass'")
    if preprocessor is None:
        from vnlp_prep.pipeline import Preprocessor

        preprocessor = Preprocessor()
    table = TableFormat([field] if isinstance(field, str) else field, on_missing, max_text_bytes)
    return dataset.map_batches(
        _TableActor,
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors or _cores(ray)),
        fn_constructor_kwargs={"cleaner": preprocessor, "table": table, "reasons": reasons},
        **{"num_cpus": 1, **more},
    )


class _TableActor:
    """Cleans batches of a dataset."""

    def __init__(self, cleaner: Cleaner, table: TableFormat, reasons: str | None) -> None:
        self._cleaner = cleaner
        self._table = table
        self._reasons = reasons

    def __call__(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        if not table.num_columns:  # of a block without rows not even the columns need be known
            return table
        self._table.check(table.schema, "the dataset")
        if self._reasons in table.schema.names:
            raise InputError(f"the dataset: has a column {self._reasons!r} already; choose another name for the reasons")
        reasons: list[str | None] = []
        cleaned = [self._cleaned(batch, reasons) for batch in table.to_batches()]
        out = pa.Table.from_batches(cleaned, table.schema)
        return out if self._reasons is None else out.append_column(self._reasons, pa.array(reasons, pa.string()))

    def _cleaned(self, batch: pa.RecordBatch, reasons: list[str | None]) -> pa.RecordBatch:
        rows = self._table.read(batch, 1)
        texts: list[list[str]] = []
        for row in rows:
            new = list(row.texts)
            if row.problem is None:
                try:
                    new = [self._cleaner.clean(text).text for text in row.texts]
                except MemoryError:
                    raise
                except Exception as error:  # one text must not cost the others
                    row.problem = Problem("internal-error", f"{type(error).__name__}: {error}"[:500])
            if row.problem is not None:
                if self._reasons is None:
                    raise VnlpError(
                        f"a row cannot be cleaned: {row.problem.sentence}; name a column for reasons to keep such rows"
                    )
                reasons.append(f"{row.problem.code}: {row.problem.sentence}")
                row.problem, new = None, list(row.texts)
            else:
                reasons.append(None)
            texts.append(new)
        return self._table.write(batch, rows, texts)
