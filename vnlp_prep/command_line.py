"""What the command lines of this project share: exit statuses, signals, errors on one line, how inputs are read.

What is imported here is imported by every ``--help``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vnlp_prep.errors import VnlpError

if TYPE_CHECKING:
    from types import FrameType

    from click.shell_completion import CompletionItem

    from vnlp_prep.corpus.readers import Limits

#: Exit statuses.
DONE, REJECTS, ERROR = 0, 1, 2

#: How every group and command is set up.
CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

_SIGPIPE = 13

_F = TypeVar("_F", bound=Callable[..., Any])


class SignalledError(BaseException):
    """A signal asked us to end, or would have: ``number``."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Commands(click.Group):
    """A group of commands that leaves broken pipes and interrupts to :func:`exit_status`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises SignalledError."""
        # click would answer these itself: with a status that means "rejects" here, and with an empty line.
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise SignalledError(_SIGPIPE) from None
        except KeyboardInterrupt:
            raise SignalledError(signal.SIGINT) from None


def version_option(program: str) -> Callable[[_F], _F]:
    """``--version``: the version of the distribution, which holds both packages."""

    def show(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            from importlib.metadata import PackageNotFoundError, version

            try:
                number = version("vnlp-prep")
            except PackageNotFoundError:
                number = "(not installed)"
            click.echo(f"{program} {number}")
            ctx.exit()

    return click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=show, help="Show the version.")


def complete_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete the names of files: the ``shell_complete`` of arguments and options that name one."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


_ON_MISSING = ["reject", "pass"]
_FIELD = click.option("--field", multiple=True, default=("text",), metavar="NAME", help="Text field; a.b for nested; repeatable.")
_WHOLE_FILE = click.option("--whole-file", is_flag=True, help="A text file is one record, not one a line.")
_ENCODING = click.option(
    "--encoding", default="utf-8", metavar="NAME|auto", help="Of lines that are not UTF-8. Default: reject them."
)
_LIMITS = (
    click.option("--max-unpacked-bytes", type=click.IntRange(1), metavar="N", help="Of an archive. Default: 1 TiB."),
    click.option("--max-ratio", type=click.FloatRange(1), metavar="N", help="Of an archive, above 64 MiB. Default: 200."),
    click.option("--max-line-bytes", type=click.IntRange(1), metavar="N", help="Longer lines are rejected. Default: 64 MiB."),
)


def reading_options(command: _F) -> _F:
    """Add the options that say what a record is, and what an input may cost."""
    on_missing = click.option("--on-missing", type=click.Choice(_ON_MISSING), default="reject", help="Records without the field.")
    for option in (*_LIMITS, on_missing, _ENCODING, _WHOLE_FILE, _FIELD):
        command = option(command)
    return command


def checking_options(command: _F) -> _F:
    """Add those of ``reading_options`` that say how a file is read in which a text file is one text, and records may lack one."""
    on_missing = click.option(
        "--on-missing", type=click.Choice(_ON_MISSING), default="pass", help="Records without the field; reject: a finding."
    )
    for option in (*_LIMITS, on_missing, _ENCODING, _FIELD):
        command = option(command)
    return command


def take_limits(options: dict[str, Any]) -> Limits:
    """Return the limits that were given, and take them out of ``options``."""
    from vnlp_prep.corpus.readers import Limits

    given = {name: options.pop(name) for name in ("max_line_bytes", "max_ratio", "max_unpacked_bytes")}
    return Limits(**{name: value for name, value in given.items() if value is not None})


def exit_status(group: click.Group, args: list[str], program: str) -> int:
    """Run ``group`` and return the exit status of ``program``: 0 done, 1 done with rejects, 2 error, 128 + N for signal N.

    An error is one line on standard error. The environment variable VNLP_DEBUG shows where a bug is.
    """
    try:
        with _signals():
            status = group.main(args or ["--help"], prog_name=program, standalone_mode=False)
            if sys.stdout is not None:
                sys.stdout.flush()
            return int(status or DONE) if args else ERROR
    except SignalledError as ended:
        if ended.number == _SIGPIPE:
            # The reader has gone, as `head` does. Python must not try to write the rest when it ends.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + ended.number
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else program
        message = f"{error.format_message()} (see {command} --help)"
    except click.ClickException as error:
        message = error.format_message()
    except VnlpError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except MemoryError:
        message = "out of memory; a smaller --max-line-bytes or fewer --workers need less"
    except Exception as error:
        if os.environ.get("VNLP_DEBUG"):
            raise
        message = f"{type(error).__name__}: {error}; this is a bug, VNLP_DEBUG=1 shows where"
    say_error(program, message)
    return ERROR


def say_error(program: str, message: str) -> None:
    """Write an error, on one line, to standard error."""
    from vnlp_prep.terminal import visible

    with contextlib.suppress(OSError):  # nobody may be there to hear it
        click.echo(f"{program}: error: {visible(' '.join(message.split(chr(10))))}", err=True)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Turn the signals that ask a process to end into an exception, so that temporary files are removed."""

    def end(number: int, _: FrameType | None) -> None:
        raise SignalledError(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # What the process was started to ignore, as nohup does it, stays ignored.
    taken = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in taken}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_and_exit(group: click.Group, args: Sequence[str] | None, program: str) -> None:
    """Run ``group`` with ``args`` (None: those of this process) and exit with its status."""
    sys.exit(exit_status(group, list(sys.argv[1:] if args is None else args), program))
