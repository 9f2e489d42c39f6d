"""The command ``vnlp-prep check``: findings in files, and the fix; what the pre-commit hooks run."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, ERROR, REJECTS, checking_options, complete_files, say_error, take_limits
from vnlp_prep.preprocessing_options import SETTINGS_FILE, isolated_option, make_preprocessor, preprocessing_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vnlp_prep.check.baseline import Baseline
    from vnlp_prep.check.finding import Finding
    from vnlp_prep.check.report import Report
    from vnlp_prep.check.settings import CheckSettings
    from vnlp_prep.terminal import Paint

#: Exit status when something was found.
FOUND = REJECTS
_FORMATS = ["long", "concise", "json", "github", "sarif"]
#: Columns of a snippet where there is no terminal.
_WIDTH = 100
#: Settings that have no flag.
_ONLY_IN_FILES = ("ignore_words", "ignore_patterns", "per_file_ignores")


def _as_names(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Split lists with commas."""
    return tuple(name.strip() for names in value for name in names.split(",") if name.strip())


@click.command(
    epilog="""\b
Examples:
  vnlp-prep check README.md docs/ kb.jsonl
  vnlp-prep check --diff docs/
  vnlp-prep check --fix --select spelling,unicode/invisible docs/
  vnlp-prep check --baseline known.json kb.jsonl.gz
  vnlp-prep check --format sarif docs/ > findings.sarif

Exit status: 0 nothing found, 1 something found, 2 error."""
)
@click.argument("files", nargs=-1, metavar="FILE...", shell_complete=complete_files)
@click.option("--format", "output_format", type=click.Choice(_FORMATS), help="Of the findings. Default: long.")
@click.option("--fix", is_flag=True, help="Make the safe edits in the files.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, as a unified diff; write nothing.")
@click.option("--unsafe", is_flag=True, help="Suggestions count as well: as findings, and for --fix and --diff.")
@click.option("--select", multiple=True, metavar="LIST", callback=_as_names, help="Only these rules or stages.")
@click.option("--ignore", multiple=True, metavar="LIST", callback=_as_names, help="Not these rules or stages.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave files out, also those that are named; repeatable.")
@click.option("--statistics", is_flag=True, help="How often each rule was met, instead of the findings.")
@click.option("--max", "most", type=click.IntRange(0), metavar="N", help="Show so many findings; all are counted.")
@click.option(
    "--baseline", metavar="FILE", shell_complete=complete_files, help="Report only what is not in FILE; made if it is not there."
)
@click.option("--update-baseline", is_flag=True, help="Record what is found now as the baseline.")
@click.option("--no-cache", is_flag=True, help="Check unchanged files anew.")
@click.option("--input-format", "format", type=click.Choice(["jsonl", "text"]), help="Default: by the name.")
@click.option("--stdin-filename", metavar="NAME", help="How standard input ('-') is called; tells its format.")
@click.option("--show-settings", is_flag=True, help="Print the settings and where each comes from; check nothing.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
@checking_options
@preprocessing_options
@isolated_option
@click.pass_context
def check(ctx: click.Context, /, files: tuple[str, ...], **given: Any) -> int:
    """Find what is not clean in FILEs: JSON lines, text, Markdown; packed or not; folders and patterns; '-' is standard input.

    Nothing is written without --fix. Of Markdown only prose is checked: code and HTML stay as they are.
    """
    if not files and not given["show_settings"]:
        raise click.UsageError("Missing argument 'FILE...'.")
    _check_combination(files, given)
    if given["show_settings"]:
        for line in _settings_lines(ctx):
            click.echo(line)
        return DONE
    return _Check(ctx, given).go(files)


def _check_combination(files: Sequence[str], given: dict[str, Any]) -> None:
    """Raise UsageError for flags that say nothing together."""
    rewrites = [flag for flag in ("fix", "diff") if given[flag]]
    if len(rewrites) > 1:
        raise click.UsageError("--fix and --diff: choose one")
    if rewrites and given["baseline"]:
        raise click.UsageError(f"--{rewrites[0]} makes all edits, also those that a baseline knows; leave --baseline off")
    if given["update_baseline"] and not given["baseline"]:
        raise click.UsageError("--update-baseline needs --baseline FILE")
    if given["fix"] and "-" in files:
        raise click.UsageError("--fix needs files; --diff shows what it would change in standard input")
    if given["diff"]:
        for flag in ("output_format", "statistics", "most"):
            if given[flag] not in (None, False):
                name = {"output_format": "format", "most": "max"}.get(flag, flag)
                raise click.UsageError(f"--diff has a form of its own; leave --{name} off")
    if given["statistics"] and given["output_format"] in ("github", "sarif"):
        raise click.UsageError("--statistics has the formats long, concise and json")


class _Check:
    """One run of the command."""

    def __init__(self, ctx: click.Context, given: dict[str, Any]) -> None:
        from vnlp_prep.check.run import CheckRun
        from vnlp_prep.corpus.run import Options

        self._given = given
        self._unsafe: bool = given["unsafe"]
        self._settings = _check_settings(ctx, given)
        options = Options(given["field"], True, given["on_missing"], given["encoding"], take_limits(given))
        self._fields = options.fields
        self._run = CheckRun(
            make_preprocessor(given),
            self._settings,
            options,
            format=given["format"],
            stdin_name=given["stdin_filename"],
            is_cached=not given["no_cache"],
        )
        self._errors: list[str] = []
        self._counts: Counter[str] = Counter()  # findings, shown ones, hidden suggestions, edits made; files with findings

    def go(self, paths: Sequence[str]) -> int:
        """Check, and return the exit status."""
        from vnlp_prep.errors import InputError, OutputError

        given = self._given
        files = self._settings.files(paths, given["format"], given["stdin_filename"])
        baseline = self._baseline()
        report = self._report()
        recorded: list[Finding] = []
        for path in files:
            try:
                findings = self._file(path)
            except (InputError, OutputError) as error:
                self._error(str(error))
                continue
            if baseline is not None and self._is_recording(baseline):
                recorded += findings
            else:
                self._show(findings if baseline is None else baseline.new(findings), report)
        self._run.close()
        if baseline is not None and self._is_recording(baseline):
            return self._record(baseline, recorded)
        if not given["diff"]:
            report.errors = self._errors
            self._write(report.end())
        gone = baseline.gone(self._run.name_of(path) for path in files) if baseline is not None else 0
        self._summary(_summary_lines(self._counts, len(files), gone, baseline, _paint(sys.stderr)))
        return ERROR if self._errors else FOUND if self._counts["findings"] else DONE

    def _file(self, path: str) -> list[Finding]:
        """Return the findings in a file that count, after the fix if there is one. Raises InputError and OutputError."""
        if self._given["diff"]:
            self._diff(path)
            return []
        checked = self._run.check(path)
        if self._given["fix"] and any(f.safe or self._unsafe for f in checked.findings if not f.is_problem):
            made = self._run.fix(path, unsafe=self._unsafe)
            self._counts["fixed"] += made.total()
            checked = self._run.check(path)
        name = self._run.name_of(path)
        if checked.damage is not None:
            self._error(f"{name}: {checked.damage}; what was read before is checked")
        if not checked.with_text and checked.records:
            fields = " or ".join(repr(field) for field in self._fields)
            self._error(
                f"{name}: none of {checked.records:,} records has the field {fields}; name the field with --field, "
                "or leave the file out with --exclude"
            )
        counting = [f for f in checked.findings if f.safe or f.is_problem or self._unsafe]
        self._counts["hidden"] += len(checked.findings) - len(counting)
        return counting

    def _diff(self, path: str) -> None:
        """Write what a fix would change to standard output, and count a finding for a file that it would change."""
        is_changed = False
        for piece in self._run.diff(path, unsafe=self._unsafe):
            is_changed = True
            click.echo(piece, nl=False)
        self._counts["findings"] += is_changed
        self._counts["files"] += is_changed

    # --- What is written ----------------------------------------------------------------------------------------------

    def _report(self) -> Report:
        from vnlp_prep.check import report
        from vnlp_prep.check.sarif import Sarif

        format = self._given["output_format"] or "long"
        paint = _paint(sys.stdout)
        if self._given["statistics"]:
            return report.Statistics(paint, as_json=format == "json")
        if format == "sarif":
            from vnlp_prep import __version__

            return Sarif(__version__)
        if format == "long":
            # What goes into a file or a log looks the same wherever it was made.
            return report.Long(paint, shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH)
        if format == "concise":
            return report.Concise(paint)
        if format == "github":
            return report.GitHub()
        return report.JsonLines()

    def _show(self, findings: Sequence[Finding], report: Report) -> None:
        most = self._given["most"]
        room = len(findings) if most is None or self._given["statistics"] else max(0, most - self._counts["shown"])
        self._write(report.add(findings[:room]))
        self._counts["findings"] += len(findings)
        self._counts["shown"] += min(room, len(findings))
        self._counts["files"] += bool(findings)

    @staticmethod
    def _write(lines: Iterable[str]) -> None:
        for line in lines:
            click.echo(line, color=True)

    def _error(self, message: str) -> None:
        self._errors.append(message)
        say_error("vnlp-prep", message)

    def _summary(self, lines: Iterable[str]) -> None:
        if not self._given["quiet"]:
            with contextlib.suppress(OSError):  # nobody may be there to hear it
                for line in lines:
                    click.echo(line, err=True, color=True)

    # --- The baseline -------------------------------------------------------------------------------------------------

    def _baseline(self) -> Baseline | None:
        from vnlp_prep.check.baseline import Baseline

        path = self._given["baseline"]
        return Baseline(path, is_read=not self._given["update_baseline"]) if path else None

    def _is_recording(self, baseline: Baseline) -> bool:
        return self._given["update_baseline"] or not baseline.exists

    def _record(self, baseline: Baseline, findings: Sequence[Finding]) -> int:
        """Write the baseline, and return the exit status; where a file could not be read, what is in it would be lost."""
        if self._errors:
            self._summary([f"{baseline.path}: not written, for there were errors"])
            return ERROR
        count = baseline.write(findings)
        self._summary([f"{_counted(count, 'finding')} recorded in {baseline.path}"])
        return DONE


def _summary_lines(counts: Counter[str], files: int, gone: int, baseline: Baseline | None, paint: Paint) -> list[str]:
    """Return the closing lines: what was found, what was fixed, what is left unsaid."""
    found = counts["findings"]
    news = "new " if baseline is not None else ""
    head = _counted(found, f"{news}finding") if found else f"nothing {news}found"
    head += f" in {counts['files']:,} of {_counted(files, 'file')}" if found else f" in {_counted(files, 'file')}"
    if counts["fixed"]:
        head = f"{_counted(counts['fixed'], 'edit')} made; {head}"
    lines = [paint(head, "1")]
    if counts["shown"] and counts["shown"] < found:
        lines.append(f"{counts['shown']:,} of them shown (--max)")
    if counts["hidden"]:
        lines.append(f"{_counted(counts['hidden'], 'suggestion')} not sure enough to count: --unsafe shows them")
    if gone and baseline is not None:
        lines.append(f"{_counted(gone, 'finding')} of {baseline.path} no longer there: --update-baseline forgets them")
    return lines


def _counted(count: int, noun: str) -> str:
    from vnlp_prep.terminal import counted

    return counted(count, noun)


def _paint(stream: Any) -> Paint:
    from vnlp_prep import terminal

    return terminal.Paint(terminal.wants_colour(stream))


# Settings


def _check_settings(ctx: click.Context, given: dict[str, Any]) -> CheckSettings:
    """Return the settings of the check. Patterns in a file start from its folder, those of flags from the current one."""
    from vnlp_prep.check.globs import Glob
    from vnlp_prep.check.settings import CheckSettings

    in_file = dict(ctx.default_map or {})
    path = ctx.meta.get(SETTINGS_FILE)
    base = path.resolve().parent if path is not None else Path.cwd()
    exclude = [Glob(pattern, base) for pattern in in_file.get("exclude", ())]
    if _source(ctx, "exclude") == "flag":
        exclude += [Glob(pattern, Path.cwd()) for pattern in given["exclude"]]
    return CheckSettings(
        select=given["select"],
        ignore=given["ignore"],
        exclude=exclude,
        base=base,
        **{name: in_file[name] for name in _ONLY_IN_FILES if name in in_file},
    )


def _source(ctx: click.Context, name: str) -> str:
    """Return where the value of a parameter comes from: ``flag``, ``file`` or ``default``."""
    source = ctx.get_parameter_source(name)
    names = {click.core.ParameterSource.COMMANDLINE: "flag", click.core.ParameterSource.DEFAULT_MAP: "file"}
    return names.get(source, "default") if source is not None else "default"


def _settings_lines(ctx: click.Context) -> list[str]:
    """Return every setting that a check has, as TOML, with where it comes from."""
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.corpus.settings import KEYS

    path = ctx.meta.get(SETTINGS_FILE)
    file = shown(path) if path is not None else None
    in_file = dict(ctx.default_map or {})
    lines = [f"# settings file: {file or 'none'}"]
    for key in sorted(KEYS):
        name = key.replace("-", "_")
        value: Any
        if name in _ONLY_IN_FILES:
            value, source = in_file.get(name), "file" if name in in_file else "default"
        elif name in ctx.params:
            value, source = ctx.params[name], _source(ctx, name)
        else:
            continue  # a setting of another command
        where = {"flag": "--input-format" if key == "format" else f"--{key}", "file": file, "default": "default"}[source]
        if name == "exclude" and source == "flag" and in_file.get(name):
            value, where = [*in_file[name], *value], f"{file}, --exclude"
        lines.append(f"{key} = {_toml(value)}  # {where}" if value is not None else f"# {key} is not set")
    return lines


def _toml(value: Any) -> str:
    import json

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(names)}" for key, names in value.items()) + " }" if value else "{}"
    return json.dumps(list(value) if isinstance(value, tuple) else value)
