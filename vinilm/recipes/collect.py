"""``python -m vinilm.recipes.collect``: folders of Markdown, HTML and text -> documents as JSON lines, one a file.

A recipe begins with it where the corpus is a folder of pages: from then on every command can read them, and knows which is which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import CONTEXT_SETTINGS, DONE, REJECTS, Commands, complete_files, run_and_exit
from vnlp_prep.errors import InputError, SettingsError

if TYPE_CHECKING:
    from vnlp_prep.corpus.documents import Document

#: End of a name -> what the text is.
FORMATS = {".md": "md", ".markdown": "md", ".rst": "rst", ".adoc": "adoc", ".html": "html", ".htm": "html", ".txt": "txt"}
_HEADING = re.compile(r"^(?:#+|=+)[ \t]+([^ \t\n#].*)$", re.MULTILINE)


@click.command(context_settings=CONTEXT_SETTINGS)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", shell_complete=complete_files)
@click.option("-o", "--output", required=True, metavar="FILE.jsonl", shell_complete=complete_files, help="The documents.")
@click.option(
    "--label", "labels", multiple=True, metavar="LABEL=PATTERN", help="The field 'product' of files with such a name; repeatable."
)
@click.option("--leave-out", multiple=True, metavar="PATTERN", help="Files that are not meant; repeatable.")
@click.option("--encoding", default="utf-8", metavar="NAME|auto", help="Of files that are not UTF-8. Default: reject them.")
@click.option("--rejects", metavar="FILE", help="Where what cannot be read is told. Default: OUTPUT.rejects.jsonl.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
def collect(
    inputs: tuple[str, ...],
    *,
    output: str,
    labels: tuple[str, ...],
    leave_out: tuple[str, ...],
    encoding: str,
    rejects: str | None,
    quiet: bool,
) -> int:
    """Write a JSON line for each text file in INPUTs (files, folders, patterns): id, title, format, product, text.

    The id is the file's name as it was found; the product, that of the first LABEL whose PATTERN the id matches.
    """
    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.inputs import find_inputs
    from vnlp_prep.corpus.logs import LineLog
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.records import json_line, reject_dict, shown
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.corpus.writers import Partial
    from vnlp_prep.terminal import counted

    patterns = [_label(text) for text in labels]
    files = [n.path for n in find_inputs(inputs, known=known) if not any(fnmatchcase(n.path, p) for p in leave_out)]
    files = list(dict.fromkeys(files))
    unknown = next((f for f in files if known(f) is None), None)
    if unknown is not None:
        raise InputError(f"{shown(unknown)}: its name does not tell what it is ({', '.join(FORMATS)})")
    corpus = sources(files, Options(whole_file=True, encoding=encoding), "text", None)
    log = LineLog(rejects or f"{output}.rejects.jsonl")
    check_outputs([source.input for source in corpus], [output], rejects=[log.path])
    documents, lost = 0, 0
    file = Partial(output)
    file.open()
    try:
        for document in (d for source in corpus for d in source.documents()):
            if document.problem is not None:
                lost += 1
                log.write(reject_dict(document.file, document.line, document.problem))
            elif document.texts:
                documents += 1
                file.append(json_line(_record(document, patterns)))
        if not documents:
            raise InputError(f"{', '.join(map(shown, inputs))}: no text in {counted(len(files), 'file')}")
        log.keep()
        log.close()
        file.commit()
    finally:
        file.abandon()
        log.close()
    if not quiet:
        click.echo(f"{shown(output)}: {counted(documents, 'document')}{f', {lost:,} rejected' if lost else ''}", err=True)
    return REJECTS if lost else DONE


def known(path: str) -> str | None:
    """Return what the text in a file is, by its name; None if that tells nothing."""
    return FORMATS.get(Path(path).suffix.lower())


def _label(text: str) -> tuple[str, str]:
    label, equals, pattern = text.partition("=")
    if not equals or not label or not pattern:
        raise SettingsError(f"--label {text!r}: it is LABEL=PATTERN, as in networking='docs/net/*'")
    return label, pattern


def _record(document: Document, patterns: Iterable[tuple[str, str]]) -> dict[str, Any]:
    name = Path(document.file).as_posix()
    text = document.texts[0]
    heading = _HEADING.search(text)
    record = {"id": name, "title": heading[1].rstrip(" \t#") if heading else Path(name).stem, "format": known(name)}
    label = next((label for label, pattern in patterns if fnmatchcase(name, pattern)), None)
    return {**record, **({"product": label} if label is not None else {}), "text": text}


class _Alone(Commands):
    """The one command, as a group has it: errors and signals are told as everywhere."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["collect", *args])


def main(args: Iterator[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 done with rejects, 2 error."""
    group = _Alone(name="collect", context_settings=CONTEXT_SETTINGS)
    group.add_command(collect)
    run_and_exit(group, list(args) if args is not None else None, "vinilm.recipes.collect")


if __name__ == "__main__":
    main()
