"""The options of the command line that say how texts are cleaned, and the preprocessor that they ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vnlp_prep.command_line import complete_files
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from vnlp_prep.pipeline import Preprocessor

_F = TypeVar("_F", bound=Callable[..., Any])


#: Where a context remembers the file that its settings came from (None: there is none), and that none shall be read.
SETTINGS_FILE, _ISOLATED = "vnlp_prep.settings_file", "vnlp_prep.isolated"


def _as_defaults(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    """Make the settings of a file the defaults of the flags."""
    from vnlp_prep.corpus.settings import find_settings, load_settings

    if ctx.meta.get(_ISOLATED):
        if value is not None:
            raise click.UsageError("--isolated reads no settings; leave --config off")
        return
    path = Path(value) if value is not None else find_settings(Path.cwd())
    settings = load_settings(path) if path else {}
    ctx.default_map = {key.replace("-", "_"): setting for key, setting in settings.items()}
    ctx.meta[SETTINGS_FILE] = path if settings or value is not None else None


def _as_isolated(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    """Forget the settings of files, whatever is read first."""
    if value and ctx.default_map is not None:
        raise click.UsageError("--isolated reads no settings; leave --config off")
    ctx.meta[_ISOLATED] = value


def _as_stages(_: click.Context, __: click.Parameter, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    from vnlp_prep.corpus.settings import did_you_mean
    from vnlp_prep.stages import STAGES

    names = tuple(name.strip() for name in value.split(","))
    for name in names:
        if name not in STAGES:
            raise SettingsError(f"--stages: no stage {name!r}{did_you_mean(name, STAGES)} (stages: {', '.join(STAGES)})")
    return names


def _stage_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from vnlp_prep.stages import STAGES

    return [name for name in STAGES if name.startswith(incomplete)]


#: ``--config``: a file of settings, which are the defaults of the other flags.
config_option = click.option(
    "--config",
    metavar="FILE",
    shell_complete=complete_files,
    is_eager=True,
    expose_value=False,
    callback=_as_defaults,
    help="Settings (TOML).",
)

#: ``--isolated``: no file of settings is read.
isolated_option = click.option(
    "--isolated", is_flag=True, is_eager=True, expose_value=False, callback=_as_isolated, help="Read no file of settings."
)


def preprocessing_options(command: _F) -> _F:
    """Add the options that say how texts are cleaned."""
    for option in (
        click.option("--threshold", type=click.FloatRange(0, 1), help="Confidence from which an edit is made."),
        click.option("--html", type=click.Choice(["fragment", "page"]), help="Texts are fragments, or whole web pages."),
        click.option(
            "--vocabulary",
            metavar="FILE",
            shell_complete=complete_files,
            help="Of the encoder: split compounds that its WordPiece breaks.",
        ),
        click.option("--lexicon", metavar="FILE", shell_complete=complete_files, help="Known words of your domain (TSV)."),
        click.option(
            "--stages",
            metavar="LIST",
            callback=_as_stages,
            shell_complete=_stage_names,
            help="Only these stages, with commas between.",
        ),
        config_option,
    ):
        command = option(command)
    return command


def make_preprocessor(options: dict[str, Any]) -> Preprocessor:
    """Build the preprocessor of the options that were given, and take them out of ``options``."""
    from vnlp_prep.pipeline import Preprocessor

    given = {name: options.pop(name) for name in ("stages", "lexicon", "vocabulary", "html", "threshold")}
    return Preprocessor(**{name: value for name, value in given.items() if value is not None})
