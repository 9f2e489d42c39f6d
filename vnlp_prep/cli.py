"""The command line: ``vnlp-prep``. What is imported here is imported by ``--help``; the rest waits for its command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from vnlp_prep.clean_command import clean
from vnlp_prep.command_line import (
    CONTEXT_SETTINGS,
    DONE,
    Commands,
    exit_status,
    run_and_exit,
    version_option,
)
from vnlp_prep.errors import InputError
from vnlp_prep.learn_command import learn
from vnlp_prep.preprocessing_options import make_preprocessor, preprocessing_options
from vnlp_prep.restore_command import restore
from vnlp_prep.review_command import review


class _Commands(Commands):
    """A group in which the first argument that is no command means ``clean``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["clean", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Commands,
    context_settings=CONTEXT_SETTINGS,
    epilog="""\b
Examples:
  vnlp-prep tickets.jsonl > clean.jsonl
  vnlp-prep --field title --field body kb.jsonl.gz -o kb.clean.jsonl.gz --edits edits.jsonl
  vnlp-prep restore kb.clean.jsonl.gz edits.jsonl
  vnlp-prep explain "Teh vSphere client&#39;s log"
  vnlp-prep learn tickets.jsonl -o domain.tsv
  vnlp-prep review domain.tsv tickets.jsonl

Exit status: 0 done, 1 done with rejects, 2 error. 'vnlp-prep clean --help' has all options.""",
)
@version_option("vnlp-prep")
def cli() -> None:
    """Clean noisy technical English: HTML, Unicode, repeats, compounds, spelling. Do no harm.

    Without a command, files are cleaned: 'vnlp-prep FILE' is 'vnlp-prep clean FILE'.
    """


@cli.command(
    epilog="""\b
Examples:
  vnlp-prep explain "Teh vSphere client&#39;s log"
  vnlp-prep explain --stages html,unicode --json - < page.html"""
)
@click.argument("text", nargs=-1, required=True)
@click.option("--show-protected", is_flag=True, help="Also what is never touched: URLs, code, identifiers, ...")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@preprocessing_options
def explain(text: tuple[str, ...], *, show_protected: bool, as_json: bool, **rest: Any) -> int:
    """Show what every stage does to TEXT ('-': standard input), and what it only suggests."""
    raw = _text_argument(text)
    prep = make_preprocessor(rest)
    steps = prep.trace(raw)
    result = prep(raw)
    # What stands in a tag or is damaged is no word yet: what is protected shows in the text that the word stages are given.
    decoded = next((step.text for step in steps if step.stage not in ("html", "unicode")), result)
    protected = prep.protected(decoded) if show_protected else None
    if as_json:
        import json

        doc = prep.clean(raw)
        entry: dict[str, Any] = {"raw": raw, "text": result}
        entry["edits"] = [e.to_dict() for e in doc.edits]
        entry["suggestions"] = [e.to_dict() for e in doc.suggestions]
        if protected is not None:
            entry["protected"] = [
                {"start": p.start, "end": p.end, "kind": p.kind, "text": decoded[p.start : p.end]} for p in protected
            ]
        entry["steps"] = [
            {
                "stage": step.stage,
                "text": step.text,
                "edits": [e.to_dict() for e in step.edits],
                "suggestions": [e.to_dict() for e in step.suggestions],
            }
            for step in steps
        ]
        click.echo(json.dumps(entry, indent=2))
        return DONE
    from vnlp_prep import terminal

    paint = terminal.Paint(terminal.wants_colour(sys.stdout))
    for line in terminal.explain_lines(raw, steps, result, decoded, protected, paint):
        click.echo(line, color=True)
    return DONE


cli.add_command(clean)
cli.add_command(restore)
cli.add_command(learn)
cli.add_command(review)


def _text_argument(words: Sequence[str]) -> str:
    """Return the text of ``explain``: its arguments, or standard input."""
    data = sys.stdin.buffer.read() if tuple(words) == ("-",) else os.fsencode(" ".join(words))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the text is not UTF-8: byte 0x{data[error.start]:02x} at byte {error.start + 1}") from None
    return text.removesuffix("\n") if tuple(words) == ("-",) else text


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 done with rejects, 2 error, 128 + N when signal N ended it."""
    run_and_exit(cli, args, "vnlp-prep")


def _status(args: list[str]) -> int:
    return exit_status(cli, args, "vnlp-prep")
