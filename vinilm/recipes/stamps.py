"""What is kept of a step that has run, in ``steps/NAME.json``, and what follows from it: done, to go on, to run again."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vinilm.encoding.journal import Journal as VectorsJournal
from vinilm.recipes.identity import identities
from vinilm.recipes.reading import Recipe, Step
from vnlp_prep.command_line import DONE, REJECTS
from vnlp_prep.corpus.journal import Journal
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write, partial_path
from vnlp_prep.errors import OutputError

#: The folder of the stamps, in that of the recipe.
STAMPS = "steps"
#: Where the output of an earlier run is put when a step runs again.
BEFORE = ".before"


@dataclass(frozen=True)
class Stamp:
    """A step that has run, or was running when the last thing was heard of it."""

    #: The command line, as a person types it.
    command: str
    arguments: list[str]
    #: What it read: value -> what it is known by, see :func:`vinilm.recipes.identity.identities`.
    inputs: dict[str, Any]
    version: str
    #: None: it was interrupted.
    exit_status: int | None = None
    #: Of all runs of it, those that were interrupted too.
    seconds: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether it has ended well; rejects are no failure."""
        return self.exit_status in (DONE, REJECTS)

    @classmethod
    def read(cls, recipe: Recipe, step: Step) -> Stamp | None:
        """Return the stamp of ``step``, None if there is none that can be read."""
        try:
            content = json.loads(_file(recipe, step).read_text(encoding="utf-8"))
            return cls(**content)
        except (OSError, ValueError, TypeError):
            return None

    def write(self, recipe: Recipe, step: Step) -> None:
        """Keep the stamp. Raises OutputError."""
        file = _file(recipe, step)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
            temporary.replace(file)
        except OSError as error:
            raise cannot_write(shown(file), error) from None
        finally:
            temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class Plan:
    """What is to become of a step."""

    #: ``done``: nothing; ``new``; ``on``: go on with an interrupted run; ``again``: from its beginning.
    what: str
    why: str = ""
    stamp: Stamp | None = None
    inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether the step is run."""
        return self.what != "done"


def plan(recipe: Recipe, step: Step, *, anew: bool = False) -> Plan:
    """Return what is to become of ``step``; ``anew``: it runs again in any case.

    Raises OutputError when its output is there, but not by a step; InputError for an input that cannot be read.
    """
    stamp = Stamp.read(recipe, step)
    inputs = identities(step.values, stamp.inputs if stamp else None)
    there = os.path.lexists(step.output)
    if stamp is None:
        if there:
            raise OutputError(
                f"{shown(step.output)}: is there, but the step {step.name} of this recipe did not make it; remove it, or name "
                "another folder (-o)"
            )
        return Plan("new", inputs=inputs)
    changed = _changed(stamp, step, inputs)
    if anew or changed:
        return Plan("again", changed or "as asked for", stamp, inputs)
    if stamp.is_done:
        return Plan("done", "", stamp, inputs) if there else Plan("again", f"{shown(step.output)} is gone", stamp, inputs)
    why = "was interrupted" if stamp.exit_status is None else f"ended with status {stamp.exit_status}"
    return Plan("on", why, stamp, inputs) if step.tool.can_resume else Plan("again", why, stamp, inputs)


def clear(step: Step) -> None:
    """Make room for a step that runs from its beginning.

    The output of an earlier run is put aside, as ``NAME.before``, which the next time takes its place; what an interrupted run
    has of a file in the making is removed. Raises OutputError, also if a run still writes it.
    """
    before = step.output.with_name(step.output.name + BEFORE)
    try:
        if step.tool.can_resume and step.tool.output_kind != "folder":
            _forget_unfinished(step.output)
        if not os.path.lexists(step.output):
            return
        if before.is_dir() and not before.is_symlink():
            shutil.rmtree(before)
        else:
            before.unlink(missing_ok=True)
        step.output.rename(before)
    except OSError as error:
        raise cannot_write(shown(step.output), error) from None


def _forget_unfinished(output: Path) -> None:
    """Remove what ``clean`` and ``encode`` keep beside ``output`` to go on with; of a folder it lies inside.

    With ``--resume`` they would find it, and refuse to go on under other settings. Raises OutputError, OSError.
    """
    # Opened and closed, not unlinked: a run that still writes has locked its journal.
    Journal(str(output)).close(keep=False)
    VectorsJournal(output).close(keep=False)
    for file in (output, f"{output}.rejects.jsonl"):
        partial_path(file).unlink(missing_ok=True)


def stamp_of(step: Step, inputs: dict[str, Any]) -> Stamp:
    """Return the stamp of a step that begins."""
    return Stamp(step.line, step.arguments, inputs, our_version())


def our_version() -> str:
    """Return the version of the distribution."""
    try:
        return version("vnlp-prep")
    except PackageNotFoundError:
        return "not installed"


def _changed(stamp: Stamp, step: Step, inputs: dict[str, Any]) -> str:
    """Return what is no more as it was, empty if all is."""
    if stamp.arguments != step.arguments:
        gone = [a for a in stamp.arguments if a not in step.arguments]
        come = [a for a in step.arguments if a not in stamp.arguments]
        return f"its command line changed ({' '.join(gone) or 'nothing'} -> {' '.join(come) or 'nothing'})"
    for value, known in inputs.items():
        earlier = stamp.inputs.get(value)
        if earlier is None or earlier["sha256"] != known["sha256"]:
            return f"{shown(value)} changed"
    gone = [value for value in stamp.inputs if value not in inputs]
    return f"{shown(gone[0])} is gone" if gone else ""


def _file(recipe: Recipe, step: Step) -> Path:
    return recipe.folder / STAMPS / f"{step.name}.json"
