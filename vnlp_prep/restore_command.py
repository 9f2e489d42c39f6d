"""The command ``vnlp-prep restore``: the way back from a cleaned file."""

from __future__ import annotations

import click

from vnlp_prep.command_line import DONE, complete_files


@click.command(
    epilog="""\b
Examples:
  vnlp-prep tickets.jsonl -o clean.jsonl --edits edits.jsonl
  vnlp-prep restore clean.jsonl edits.jsonl -o tickets.again.jsonl"""
)
@click.argument("cleaned", metavar="CLEANED", shell_complete=complete_files)
@click.argument("edits", metavar="EDITS", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    shell_complete=complete_files,
    help="Default: standard output. .gz and .zst pack.",
)
@click.option("--file", metavar="NAME", help="Only this one of several inputs, as it was named.")
def restore(cleaned: str, edits: str, *, output: str, file: str | None) -> int:
    """Give back the raw file that was cleaned into CLEANED, byte for byte, by the edit log that the run kept.

    Of an input that was packed, the contents come back; of one in UTF-16, its text in UTF-8. In the log of several outputs, that
    part counts which has the name of CLEANED, or the input --file.
    """
    from vnlp_prep.corpus.packing import packed
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.readers import split_name
    from vnlp_prep.corpus.restore import Restoring
    from vnlp_prep.corpus.writers import open_output

    restoring = Restoring(cleaned, edits, file=file)
    check_outputs(restoring.inputs, [output] if output != "-" else [], rejects=[])
    target, suffix = open_output(output), split_name(output)[1]
    try:
        for piece in restoring.pieces():
            target.append(packed(piece, suffix))
        target.commit()
    except BaseException:
        target.abandon()
        raise
    return DONE
