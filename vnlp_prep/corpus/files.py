"""The files that a run writes: outputs, rejects and the edit log, each finished with the last input that it has to do with."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.journal import CannotResumeError, Entry, digest_of
from vnlp_prep.corpus.logs import remove_earlier
from vnlp_prep.corpus.packing import packed
from vnlp_prep.corpus.readers import split_name
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import DirectOutput, Partial, is_device, partial_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from io import FileIO

    from vnlp_prep.corpus.cleaning import Written
    from vnlp_prep.corpus.journal import Part
    from vnlp_prep.corpus.run import Job


class Files:
    """All that a run writes. Outputs are opened when their first input comes; logs when there is something for them."""

    def __init__(self, jobs: Sequence[Job], edits: str | None) -> None:
        self.edits_path = edits
        #: Rejects files that are there and have lines in them.
        self.reject_files: list[str] = []
        self._jobs = jobs
        #: Path -> the last job that has to do with it.
        self._last: dict[str, int] = {}
        for number, job in enumerate(jobs):
            self._last.update(dict.fromkeys(self._paths(job), number))
        self._rejects = {job.rejects for job in jobs}
        #: Outputs that are Parquet -> the input whose schema they have.
        self._like = {job.output: job.input for job in reversed(jobs) if job.format == "parquet"}
        self._direct = {path for path in self._last if path == "-" or is_device(path)}
        self._open: dict[str, Partial | DirectOutput] = {}
        self._sizes: dict[str, int] = dict.fromkeys(self._last, 0)
        self._settled: dict[str, int] = {}  # sizes at the end of the last input that was finished
        self._midline: dict[str, bool] = {}  # outputs whose last line has no end yet

    def _paths(self, job: Job) -> list[str]:
        """The rejects first: if we are killed while files are given their names, no record is lost."""
        return [job.rejects, *([self.edits_path] if self.edits_path else []), job.output]

    @property
    def has_direct(self) -> bool:
        """True if an output cannot be taken back: standard output, a device."""
        return any(map(self.is_direct, self._jobs))

    def is_direct(self, job: Job) -> bool:
        """True if the output of the job is standard output or a device."""
        return job.output in self._direct

    # --- Beginning, or going on ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open what is written first: another run on the same output is refused before anything is read."""
        self._file(self._jobs[0].output)
        if self.edits_path is not None:
            self._file(self.edits_path)

    def go_on(self, entries: Sequence[Entry]) -> int:
        """Take up what an interrupted run left; return how many of its entries can be relied on.

        What was to get its name gets it; the other files are cut behind the last entry whose bytes are all there. Raises
        CannotResumeError, before anything is changed, if bytes are missing of an input that was finished.
        """
        ended = {entry.job for entry in entries if entry.is_end}
        final = [path for path, job in self._last.items() if job in ended and path not in self._direct]
        named = {path for path in final if not partial_path(path).exists()}
        good = 0
        missing = None
        for entry in entries:
            parts = self._parts(entry)
            missing = next((path for path, part in parts if path not in named and not self._is_there(path, part)), None)
            if missing is not None:
                break
            for path, part in parts:
                self._sizes[path] += part.size
            if entry.is_midline is not None:
                self._midline[self._jobs[entry.job].output] = entry.is_midline
            good += 1
            if entry.is_end:
                self._settled.update({path: self._sizes[path] for path in self._paths(self._jobs[entry.job])})
        if not any(entry.is_end for entry in entries[good:]):  # chunks can be done again, but not what has its name already
            missing = next((path for path in final if path in named and not self._is_finished(path)), None)
        if missing is not None:
            raise CannotResumeError(
                f"{shown(missing)}: cannot go on with the interrupted run: what it wrote there is not all there any more; "
                "leave --resume off to begin from the beginning"
            )
        for path, file in self._open.items():
            if isinstance(file, Partial) and path not in final:
                file.cut(self._sizes[path])
        for path in final:
            if path not in named and path not in self._open:
                self._partial(path, keep=True)
            self._finish(path)
        return good

    def _parts(self, entry: Entry) -> list[tuple[str, Part]]:
        job = self._jobs[entry.job]
        edits = [(self.edits_path, entry.edits)] if self.edits_path else []
        return [(job.output, entry.output), (job.rejects, entry.rejects), *edits]

    def _is_there(self, path: str, part: Part) -> bool:
        """True if the bytes stand behind those of the entries before, in the file in the making."""
        if not part.size or path in self._direct:
            return True
        if path not in self._open and not partial_path(path).exists():
            return False
        file = self._open.get(path) or self._partial(path, keep=True)
        return isinstance(file, Partial) and digest_of(file.read(self._sizes[path], part.size)) == part.digest

    def _is_finished(self, path: str) -> bool:
        """True if what has its final name has the size that it must have; of a table that is not known."""
        if path in self._rejects and not self._sizes[path]:
            return True
        try:
            size = Path(path).stat().st_size
        except OSError:
            return False
        return path in self._like or size == self._sizes[path]

    # --- Writing ------------------------------------------------------------------------------------------------------

    def append(self, job: Job, output: bytes, rejects: bytes, edits: bytes) -> None:
        """Add what comes of a chunk. Raises OutputError."""
        self._file(job.output)
        for path, data in ((job.output, output), (job.rejects, rejects), (self.edits_path, edits)):
            if data:
                assert path is not None
                self._file(path).append(data)
                self._sizes[path] += len(data)

    def line_end_between(self, written: Written) -> bytes:
        """Return the line end that keeps the first line of an input apart from the last one of the input before."""
        path = self._jobs[written.job].output
        # Inside an input only its last line can lack its end: what comes behind such a line is of another one.
        joined = written.output and self._midline.get(path)
        if written.is_midline is not None:
            self._midline[path] = written.is_midline
        return packed(b"\n", split_name(path)[1]) if joined else b""

    def end_of_archive(self, number: int) -> bytes:
        """Return what an archive without contents consists of, if this is the last input of one."""
        path = self._jobs[number].output
        suffix = split_name(path)[1]
        return packed(b"", suffix) if suffix and not self._sizes[path] and self._last[path] == number else b""

    def sync(self, job: Job) -> None:
        """Have what was written for a job on the disk. Raises OutputError."""
        for path in self._paths(job):
            if isinstance(file := self._open.get(path), Partial):
                file.sync()

    def end(self, number: int) -> None:
        """Finish an input: the files for which it is the last one get their names. Raises OutputError."""
        job = self._jobs[number]
        self._settled.update({path: self._sizes[path] for path in self._paths(job)})
        for path in self._paths(job):
            if self._last[path] == number:
                self._finish(path)

    def _finish(self, path: str) -> None:
        """Give a file its final name, unless it has it already."""
        file = self._open.get(path)
        if path in self._rejects and not self._sizes[path]:
            remove_earlier(path)
            if file is not None:
                file.abandon()
        elif isinstance(file, Partial):
            file.commit(self._converter(path))
        elif file is not None:
            file.commit()
        if path in self._rejects and self._sizes[path]:
            self.reject_files.append(path)
        self._open.pop(path, None)  # what fails before is let go of in the end

    def _converter(self, path: str) -> Callable[[FileIO, FileIO], None] | None:
        if path not in self._like:
            return None
        from vnlp_prep.corpus.parquet import write_file

        return partial(write_file, like=self._like[path])

    def _file(self, path: str) -> Partial | DirectOutput:
        if path not in self._open:
            if path in self._direct:
                self._open[path] = DirectOutput(path)
            else:
                self._partial(path, keep=False)
        return self._open[path]

    def _partial(self, path: str, *, keep: bool) -> Partial:
        file = Partial(path)
        file.open(keep=keep)
        self._open[path] = file
        return file

    def close(self, *, keep: bool) -> None:
        """Let go of what is not finished. Logs that several inputs share get their names with what the finished ones wrote."""
        logs = {*self._rejects, self.edits_path}
        for path, file in list(self._open.items()):
            if isinstance(file, Partial) and not keep and path in logs and self._settled.get(path):
                file.cut(self._settled[path])
                self._sizes[path] = self._settled[path]
                self._finish(path)
            elif isinstance(file, Partial):
                file.abandon(keep=keep)
            else:
                file.abandon()
        self._open.clear()
