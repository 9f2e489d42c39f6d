"""The folder of a run on an engine: what the run is made of, which of its parts are done, and how it is finished.

part-000000.jsonl ...     the shards, in the order of the inputs
_rejects/part-000000.jsonl ...   the rejects of a part, if it has some
_run.json                 what the run was made of and what it did; written last: with it the run is finished
_work/                    while it is not: the plan, the records of the parts that are done, rejects in the making
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vnlp_prep.corpus.journal import check_same
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.summary import Summary
from vnlp_prep.engines.parts import PART_BYTES, Part, cut
from vnlp_prep.engines.shards import REJECTS, TRIES, Done, raw_rejects_name, record_name, rejects_name
from vnlp_prep.engines.storage import WORK, Folder, at_once, find_files, is_remote
from vnlp_prep.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vnlp_prep.corpus.cleaning import Cleaner
    from vnlp_prep.corpus.run import Options

_PLAN = f"{WORK}/plan.json"
_RUN = "_run.json"


class FolderRun:
    """One run into one folder.

    Raises InputError for inputs that cannot be read, OutputError for a folder that holds something else, or an interrupted run
    without ``resume``; CannotResumeError if inputs, settings, lexicon or version have changed since it was interrupted.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        folder: str,
        cleaner: Cleaner,
        options: Options,
        *,
        format: str | None = None,
        resume: bool = False,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._started = time.perf_counter()
        self._folder = Folder(folder)
        self._options = options
        files = find_files(inputs, format)
        #: The parts in the order of the inputs.
        self.parts: list[Part] = cut(files, options, format, part_bytes)
        self._settings = _settings(self.parts, cleaner, options, part_bytes)
        #: The parts that are done.
        self.done: dict[str, Done] = {}
        #: What the run did, if it was finished before.
        self.finished: Summary | None = None
        self._open(resume)

    def _open(self, resume: bool) -> None:
        folder = self._folder
        folder.make()
        there = folder.names()
        name = shown(folder.path)
        work = folder.names(WORK) if WORK in there else set()
        if not there or (there == {WORK} and not work - {"new"}):  # an earlier run that was killed before it had begun
            folder.write(_PLAN, json.dumps(self._settings).encode("ascii"))
            return
        plan = _RUN if _RUN in there else _PLAN if "plan.json" in work else None
        if plan is None:
            raise OutputError(f"{name}: is not empty; an engine writes into a folder of its own")
        if not resume:
            what = (
                "a run that is finished" if plan == _RUN else "a run that was interrupted, or goes on; --resume goes on with it"
            )
            raise OutputError(f"{name}: holds {what}; choose another folder, or empty it")
        content = json.loads(folder.read(plan))
        check_same(content["settings"] if plan == _RUN else content, self._settings, name)
        if plan == _RUN:
            self.finished = Summary.from_dict(content["summary"])
            self.finished.damaged = [tuple(pair) for pair in content["damaged"]]
            self.finished.resumed = self.finished.records + sum(self.finished.rejects.values())
            return
        folder.remove(TRIES)  # there may be more memory now
        names = folder.names(f"{WORK}/done")
        known = [part for part in self.parts if record_name(part).rpartition("/")[2] in names]
        for done in at_once(lambda part: Done.from_json(folder.read(record_name(part))), known):
            self.done[done.shard] = done

    @property
    def left(self) -> list[Part]:
        """The parts that are to be done."""
        return [part for part in self.parts if part.shard not in self.done]

    def finish(self, done: Iterable[Done]) -> Summary:
        """Put the line numbers of the rejects right, close the folder and return what was done. Raises OutputError.

        ``done``: the records of the parts that were :attr:`left`.
        """
        earlier = set(self.done)
        self.done |= {record.shard: record for record in done}
        self._check_all_there()
        summary = Summary()
        tasks: list[tuple[Part, int]] = []
        base = 0
        for i, part in enumerate(self.parts):
            if i == 0 or part.input != self.parts[i - 1].input:
                base = 0
            record = self.done[part.shard]
            counted = Summary.from_dict(record.summary)
            summary.add(counted)
            if part.shard in earlier:
                summary.resumed += counted.records + sum(counted.rejects.values())
            if record.damage:
                summary.damaged.append((shown(part.file.path), record.damage))
            if counted.rejects:
                # Of a table the numbers are right: the file says how many rows there are.
                tasks.append((part, base + 1 - part.first_line if part.format != "parquet" else 0))
            base += record.lines
        at_once(lambda task: self._number_rejects(*task), tasks)
        if tasks:
            summary.reject_files.append(f"{self._folder.path}/{REJECTS}/")
        summary.seconds = time.perf_counter() - self._started
        self._folder.write(_RUN, json.dumps(self._report(summary), indent=1).encode("ascii"))
        self._folder.remove(WORK)
        return summary

    def _check_all_there(self) -> None:
        """Raise OutputError if a shard cannot be seen from here."""
        names = self._folder.names()
        missing = next((part.shard for part in self.parts if part.shard not in names), None)
        if missing is not None:
            where = shown(f"{self._folder.path}/{missing}")
            hint = (
                ""
                if is_remote(self._folder.path)
                else "; on several machines it must be a folder that all of them share, or a URI"
            )
            raise OutputError(f"{where}: was written, and is not there{hint}")

    def _number_rejects(self, part: Part, add: int) -> None:
        """Write the rejects of a part with the numbers that their lines have in the file."""
        with self._folder.reading(raw_rejects_name(part)) as lines, self._folder.writing(rejects_name(part)) as file:
            for line in lines:
                if add:
                    entry = json.loads(line)
                    entry["line"] += add
                    line = json.dumps(entry).encode("ascii") + b"\n"
                file.write(line)

    def _report(self, summary: Summary) -> dict[str, Any]:
        shards: list[dict[str, Any]] = [
            {"shard": p.shard, "input": shown(p.file.path), "start": p.start, "end": p.end} for p in self.parts
        ]
        return {
            "settings": self._settings,
            "summary": summary.to_dict(),
            "damaged": summary.damaged,
            "seconds": round(summary.seconds, 3),
            "shards": shards,
        }


def _settings(parts: Sequence[Part], cleaner: Cleaner, options: Options, part_bytes: int) -> dict[str, Any]:
    """Return all that the output depends on: name for people -> value that JSON can hold."""
    from vnlp_prep import __version__

    given = asdict(options)
    del given["workers"]
    limits = given.pop("limits")
    settings: dict[str, Any] = {
        "vnlp-prep": __version__,
        "cleaning": getattr(cleaner, "fingerprint", ""),
        "part-bytes": part_bytes,
        **{
            name.replace("_", "-"): list(value) if isinstance(value, tuple) else value for name, value in (limits | given).items()
        },
    }
    number = -1
    for part in parts:
        if part.input != number:
            number = part.input
            where = f"input {number + 1}"
            settings[where] = shown(part.file.path)
            settings[f"format of {where}"] = part.format
            settings[f"size of {where}"] = part.file.size
            settings[f"time of change of {where}"] = part.file.changed_at
    return settings
