"""The command ``vinilm export``: a model folder for other programs, with a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vinilm.exporting.formats import MODULES, NAMES, WEIGHTS
from vnlp_prep.command_line import DONE, complete_files
from vnlp_prep.errors import InputError, SettingsError


@click.command(
    epilog="""\b
Examples:
  vinilm export models/vinilm -o vinilm-onnx
  vinilm export models/vinilm -o vinilm-1.0 --format onnx --format onnx:int8 --format openvino --format keras
  vinilm export models/vinilm -o vinilm-1.0 --results evaluation --license apache-2.0 --name acme/vinilm

Every file is compared with the source, on texts of several lengths; one that is too far from it is refused, and
then nothing is written. What is written is a model folder itself: weights, tokenizer, preprocessor, README.md.
Exit status: 0 done, 2 error."""
)
@click.argument("model", metavar="MODEL", shell_complete=complete_files)
@click.option("-o", "--output", required=True, metavar="FOLDER", shell_complete=complete_files, help="The folder that comes out.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    default=("onnx",),
    type=click.Choice([*NAMES, "none"]),
    metavar="FORMAT",
    help=f"Repeatable; :float16 and :int8 are smaller files. One of {', '.join(NAMES)}; or none. Default: onnx.",
)
@click.option(
    "--weights",
    type=click.Choice(WEIGHTS),
    default="as-is",
    help="What the model's own weights are stored as: float16 is half the size. Default: as-is.",
)
@click.option("--name", metavar="NAME", help="Of the model, in its card. Default: that of the folder.")
@click.option("--license", metavar="ID", help="As the hub has it: apache-2.0, mit. Default: of the model's own card.")
@click.option("--base-model", metavar="NAME", help="What the model comes from. Default: of the model's own card.")
@click.option("--language", default="en", metavar="CODE", help="Default: en.")
@click.option(
    "--results", metavar="FOLDER", shell_complete=complete_files, help="Of vinilm evaluate: its tables go into the card."
)
@click.option(
    "--recipe", metavar="FILE", shell_complete=complete_files, help="That the model was made by: it goes into the card."
)
@click.option(
    "--notes", metavar="FILE", shell_complete=complete_files, help="Markdown that goes into the card: the data, what it is for."
)
@click.option(
    "--texts", metavar="FILE", shell_complete=complete_files, help="Typical ones, for openvino:int8. Default: the sample."
)
@click.option("--field", multiple=True, default=("text",), metavar="NAME", help="Of --texts. Default: text.")
@click.option(
    "--modules",
    type=click.Choice(MODULES),
    default="as-is",
    help="sentence-transformers cleans (and then needs this package), or does not (plain). Default: as in MODEL.",
)
@click.option("--clean/--no-clean", default=True, help="A model without a preprocessor gets the shipped one. Default: --clean.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
def export(
    model: str,
    *,
    output: str,
    formats: tuple[str, ...],
    texts: str | None,
    field: tuple[str, ...],
    quiet: bool,
    **settings: Any,
) -> int:
    """Write MODEL, a folder or hub id, for other programs: as ONNX, for OpenVINO, for Keras.

    FOLDER has everything that MODEL has, and a model card with what is known of its training and of its quality.
    """
    from vinilm.exporting.run import Settings
    from vinilm.exporting.run import export as run_export
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.terminal import counted

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    if "none" in formats and len(formats) > 1:
        raise SettingsError(f"--format none goes with no other: {', '.join(formats)}")
    wanted = [name for name in formats if name != "none"]
    calibration = None if texts is None else _texts(texts, field)
    files = run_export(model, output, Settings(wanted, **settings, texts=calibration), say=say)
    size = sum(file.stat().st_size for file in Path(output).rglob("*") if file.is_file())
    others = [file for file in files if file.file.suffix != ".safetensors"]
    written = f"{counted(len(others), 'file')} for other runtimes, " if others else ""
    say(f"{shown(output)}: {written}README.md, SHA256SUMS; {size / 1e6:,.1f} MB in all")
    return DONE


#: Texts of a file that ranges are measured with; more change nothing.
_MOST_TEXTS = 500


def _texts(path: str, fields: tuple[str, ...]) -> list[str]:
    """Return the first texts of a corpus. Raises InputError when there are none."""
    from itertools import islice

    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.corpus.run import Options

    [source] = sources([path], Options(fields), None, None)
    found = ("\n".join(document.texts) for document in source.documents() if document.texts)
    texts = list(islice(found, _MOST_TEXTS))
    if not texts:
        raise InputError(f"{shown(path)}: no text in the field {', '.join(fields)}")
    return texts
