"""A recipe, from its first step to its last."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vinilm.recipes.reading import Recipe, Step
from vinilm.recipes.running import Log, run_step
from vinilm.recipes.stamps import BEFORE, Plan, clear, our_version, plan, stamp_of
from vnlp_prep.command_line import DONE, REJECTS, SignalledError
from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.settings import did_you_mean
from vnlp_prep.corpus.writers import cannot_write, open_locked
from vnlp_prep.errors import OutputError, SettingsError
from vnlp_prep.terminal import duration


@dataclass
class Row:
    """What became of a step."""

    step: Step
    #: ``done``, ``done before``, ``rejects``, ``failed``, ``interrupted``, or empty: it did not come to it.
    what: str = ""
    seconds: float = 0.0


@dataclass
class Outcome:
    """What became of a recipe."""

    rows: list[Row]
    #: Of the step that failed; else 1 if one had rejects, else 0.
    exit_status: int = DONE


def chosen_steps(recipe: Recipe, first: str | None, only: str | None) -> tuple[list[Step], set[str]]:
    """Return the steps that are looked at, and the names of those that run in any case (``--from``, ``--only``).

    Raises SettingsError for a name that is no step.
    """
    names = [step.name for step in recipe.steps]
    for option, name in (("--from", first), ("--only", only)):
        if name is not None and name not in names:
            raise SettingsError(f"{option}: no step {name!r}{did_you_mean(name, names)} (steps: {', '.join(names)})")
    if only is not None:
        if first is not None:
            raise SettingsError("--from and --only exclude each other")
        return [step for step in recipe.steps if step.name == only], {only}
    return recipe.steps, set(names[names.index(first) :]) if first is not None else set()


def run_recipe(
    recipe: Recipe,
    *,
    first: str | None = None,
    only: str | None = None,
    say: Callable[[str], None],
    show: Callable[[bytes], None],
) -> Outcome:
    """Run the steps of ``recipe`` that are not done, one after the other; a step with rejects is done.

    ``first``, ``only``: see :func:`chosen_steps`. ``say`` is told what goes on, ``show`` given what the steps say. Raises
    SignalledError for a signal that asks to end, when the step that ran has ended; OutputError, InputError, SettingsError.
    """
    steps, anew = chosen_steps(recipe, first, only)
    outcome = Outcome([Row(step) for step in steps])
    with _alone(recipe.folder):
        log = Log(recipe.folder)
        try:
            log.line(f"# vinilm {our_version()}, recipe {shown(recipe.file)}, in {Path.cwd().name}/")
            try:
                for row in outcome.rows:
                    _run(recipe, row, log, outcome, anew, say, show)
                    if row.what == "failed":
                        break
            finally:
                for line in table(outcome.rows):
                    log.line(f"# {line}")
                log.line()
        finally:
            log.close()
    return outcome


def _run(
    recipe: Recipe,
    row: Row,
    log: Log,
    outcome: Outcome,
    anew: set[str],
    say: Callable[[str], None],
    show: Callable[[bytes], None],
) -> None:
    """Run a step, unless it is done. Raises SignalledError."""
    step = row.step
    found = plan(recipe, step, anew=step.name in anew)
    say(line_of(step, found))
    if not found.runs:
        assert found.stamp is not None
        row.what, row.seconds = "done before", found.stamp.seconds
        log.line(f"# {step.name}: done before: {step.line}")
        outcome.exit_status = max(outcome.exit_status, found.stamp.exit_status or DONE)
        return
    if found.what == "again":
        clear(step)
    earlier = found.stamp.seconds if found.stamp and found.what == "on" else 0.0
    stamp = stamp_of(step, found.inputs)
    # Before it begins: what is killed leaves a stamp without an end.
    replace(stamp, seconds=earlier).write(recipe, step)
    say(f"$ {step.line}")
    ended = run_step(step, log, show)
    row.seconds = earlier + ended.seconds
    interrupted = ended.signalled is not None or ended.exit_status > 128
    status = None if interrupted and ended.exit_status not in (DONE, REJECTS) else ended.exit_status
    replace(stamp, exit_status=status, seconds=row.seconds).write(recipe, step)
    if ended.signalled is not None:
        row.what = "interrupted"
        say(f"{step.name}: interrupted; the same command goes on")
        raise SignalledError(ended.signalled)
    row.what = {DONE: "done", REJECTS: "rejects"}.get(ended.exit_status, "failed")
    if row.what == "failed":
        outcome.exit_status = ended.exit_status
        # It may refuse to go on: an input has another time, the package another version. Neither makes it run again by itself.
        hint = f"; --from {step.name} begins it anew" if found.what == "on" else ""
        say(f"{step.name}: failed with status {ended.exit_status}; what it said is in {shown(log.path)}{hint}")
    elif row.what == "rejects":
        outcome.exit_status = REJECTS


def line_of(step: Step, found: Plan) -> str:
    """Return what is to become of a step, for people."""
    stamp = found.stamp
    by = f" by version {stamp.version}" if stamp and stamp.version != our_version() else ""
    kept = os.path.lexists(step.output)
    says = {
        "done": f"done before{by}{f' in {duration(stamp.seconds)}' if stamp else ''}, nothing it depends on has changed",
        "new": "runs",
        "on": f"goes on, for it {found.why}",
        "again": f"runs again: {found.why}"
        + (f"; an earlier {step.output.name} is kept as {step.output.name}{BEFORE}" if kept else ""),
    }[found.what]
    return f"{step.name}: {says}"


def table(rows: list[Row]) -> Iterator[str]:
    """Yield the lines of the table at the end: step, what became of it, time, output."""
    cells = [("step", "", "time", "output")]
    cells += [(r.step.name, r.what or "-", duration(r.seconds) if r.what else "", str(r.step.output)) for r in rows]
    cells.append(("all", "", duration(sum(row.seconds for row in rows)), ""))
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    for name, what, time, output in cells:
        yield f"{name:{widths[0]}}  {what:{widths[1]}}  {time:>{widths[2]}}  {output}".rstrip()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have the folder of a recipe, which is made if need be, for this process alone. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open_locked(folder / ".recipe.lock")
    except BlockingIOError:
        raise OutputError(f"{shown(folder)}: another run of a recipe has it") from None
    except OSError as error:
        raise cannot_write(shown(folder), error) from None
    try:
        yield
    finally:
        (folder / ".recipe.lock").unlink(missing_ok=True)
        os.close(lock)
