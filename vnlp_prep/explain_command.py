"""The command ``vnlp-prep explain``: what every stage does to one text, and why."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, complete_files
from vnlp_prep.errors import InputError
from vnlp_prep.preprocessing_options import make_preprocessor, preprocessing_options

if TYPE_CHECKING:
    from vnlp_prep.explain.explanation import Explanation
    from vnlp_prep.explain.place import FieldText, Place


@click.command(
    epilog="""\b
Examples:
  vnlp-prep explain "Teh vSphere client&#39;s log"
  vnlp-prep explain kb.jsonl.gz:1204 --field title --field body
  vnlp-prep explain --stages html,unicode --json - < page.html
  FORCE_COLOR=1 vnlp-prep explain --layout columns kb.jsonl:12 | less -R"""
)
@click.argument("text", nargs=-1, required=True, metavar="TEXT|FILE:LINE|-", shell_complete=complete_files)
@click.option("--field", multiple=True, default=("text",), metavar="NAME", help="Of FILE: text field; a.b nested; repeatable.")
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Of FILE. Default: by the name.")
@click.option("--encoding", default="utf-8", metavar="NAME|auto", help="Of FILE, where it is not UTF-8.")
@click.option("--show-protected", is_flag=True, help="Also what is never touched: URLs, code, identifiers, ...")
@click.option(
    "--layout",
    type=click.Choice(["auto", "columns", "stacked"]),
    default="auto",
    help="Before and after side by side, or one below the other. Default: side by side on a terminal that is wide enough.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@preprocessing_options
def explain(
    text: tuple[str, ...],
    *,
    field: tuple[str, ...],
    format: str | None,
    encoding: str,
    show_protected: bool,
    layout: str,
    as_json: bool,
    **rest: Any,
) -> int:
    """Show what every stage does to TEXT ('-': standard input), or to the record in a LINE of FILE, and what it only suggests.

    FILE is JSON lines, plain text or Parquet, packed or not; if there is no such file, FILE:LINE is a text like any other.
    """
    from vnlp_prep.explain.explanation import Explanation
    from vnlp_prep.explain.place import FieldText, place_in

    place = place_in(text[0]) if len(text) == 1 else None
    texts = _texts_at(place, field, format, encoding) if place else [FieldText(None, _text_argument(text))]
    prep = make_preprocessor(rest)
    found = [(field, Explanation.of(prep, raw)) for field, raw in texts]
    if as_json:
        import json

        entries = [_origin(place, field) | explanation.to_dict(show_protected) for field, explanation in found]
        click.echo(json.dumps(entries if len(entries) > 1 else entries[0], indent=2))
        return DONE
    from vnlp_prep import terminal

    paint = terminal.Paint(terminal.wants_colour(sys.stdout))
    for number, (field_name, explanation) in enumerate(found):
        if place and len(found) > 1:
            head = f"{place.path}:{place.line}:{field_name}"
            click.echo("\n" * (number > 0) + paint(terminal.visible(head), terminal.BOLD, terminal.UNDERLINED), color=True)
        for line in _lines(explanation, paint, show_protected, layout):
            click.echo(line, color=True)
    return DONE


def _lines(explanation: Explanation, paint: Any, show_protected: bool, layout: str) -> list[str]:
    from vnlp_prep.explain.side_by_side import MIN_WIDTH, side_by_side_lines
    from vnlp_prep.explain.stacked import stacked_lines

    width = shutil.get_terminal_size().columns
    if layout == "columns" or (layout == "auto" and sys.stdout.isatty() and width >= MIN_WIDTH):
        return side_by_side_lines(explanation, paint, show_protected, max(width, MIN_WIDTH))
    return stacked_lines(explanation, paint, show_protected)


def _texts_at(place: Place, fields: Sequence[str], format: str | None, encoding: str) -> list[FieldText]:
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.explain.place import texts_at

    return texts_at(place, Options([place.field] if place.field else fields, encoding=encoding), format)


def _origin(place: Place | None, field: str | None) -> dict[str, Any]:
    """Return where a text stands, for JSON: nothing if it was given by itself."""
    if place is None:
        return {}
    return {"file": place.path, "line": place.line, **({} if field is None else {"field": field})}


def _text_argument(words: Sequence[str]) -> str:
    """Return the text that was given: the arguments, or standard input."""
    data = sys.stdin.buffer.read() if tuple(words) == ("-",) else os.fsencode(" ".join(words))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"the text is not UTF-8: byte 0x{data[error.start]:02x} at byte {error.start + 1}") from None
    if tuple(words) == ("-",):
        return text.removesuffix("\n")
    _say_if_meant_as_place(text)
    return text


def _say_if_meant_as_place(text: str) -> None:
    from vnlp_prep.explain.place import missing_file
    from vnlp_prep.terminal import visible

    if name := missing_file(text):
        click.echo(f"vnlp-prep: there is no file {visible(name)}; this is explained as a text", err=True)
