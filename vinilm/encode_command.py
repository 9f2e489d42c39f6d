"""The command ``vinilm encode``: a vector for each record of a corpus."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vnlp_prep.command_line import DONE, ERROR, REJECTS, complete_files, reading_options, say_error, take_limits
from vnlp_prep.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from vinilm.encoding.engine import Engine
    from vinilm.encoding.plan import EnginePlan
    from vinilm.encoding.settings import Facts

#: Records in a chunk where the encoder runs on the processor: some seconds of work; elsewhere it is that much faster.
_CHUNK_CPU, _CHUNK_GPU = 512, 8192


@click.command(
    epilog="""\b
Examples:
  vinilm encode kb.jsonl -m models/vinilm -o kb.parquet
  vinilm encode --field title --field body kb.jsonl.gz -m models/vinilm -o kb.npy --resume
  zcat tickets.txt.gz | vinilm encode - --format text -m models/vinilm -o tickets.safetensors

Several fields are one text, with line breaks between. Ids are in the column 'id' of .parquet, and in OUTPUT.ids.jsonl
beside .npy and .safetensors. What cannot be encoded goes to OUTPUT.rejects.jsonl, with the reason and its bytes.
A run that was interrupted, even killed, goes on with --resume and ends with the same bytes.
Exit status: 0 done, 1 done with rejects, 2 error."""
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    shell_complete=complete_files,
    help="The vectors: .parquet, .npy or .safetensors.",
)
@click.option(
    "-m",
    "--model",
    required=True,
    envvar="VINILM_MODEL",
    metavar="NAME",
    shell_complete=complete_files,
    help="Folder or hub id. Default: $VINILM_MODEL.",
)
@click.option("--format", type=click.Choice(["jsonl", "text", "parquet"]), help="Of the inputs. Default: by the name.")
@reading_options
@click.option("--id-field", metavar="NAME", help="What names a record. Default: 'id' if it has one, else FILE:LINE.")
@click.option(
    "--rejects", metavar="FILE", shell_complete=complete_files, help="Where rejected records go. Default: OUTPUT.rejects.jsonl."
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted run stopped, if there is one.")
@click.option("--clean/--no-clean", default=True, help="Clean the texts first, as the model asks. Default: --clean.")
@click.option(
    "--preprocess", metavar="FOLDER", shell_complete=complete_files, help="A saved preprocessor, instead of that of the model."
)
@click.option("--prompt", metavar="TEXT", help="Put before each text.")
@click.option("--prompt-name", metavar="NAME", help="The same, of the prompts that the model has.")
@click.option("--long", type=click.Choice(["truncate", "chunk"]), default="truncate", help="Long texts: cut, or in windows.")
@click.option("--max-tokens", type=click.IntRange(3), metavar="N", help="Of a text. Default: as the model says.")
@click.option("--pooling", type=click.Choice(["mean", "cls", "max"]), help="Default: as the model says.")
@click.option("--normalize/--no-normalize", default=None, help="Vectors of length 1, or not. Default: as the model says.")
@click.option("--truncate-dim", type=click.IntRange(1), metavar="N", help="Keep the first N dimensions.")
@click.option("--precision", type=click.Choice(["float32", "float16"]), default="float32", help="What vectors are stored as.")
@click.option("--backend", type=click.Choice(["auto", "torch", "openvino", "onnx", "tensorflow"]), default="auto")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1, ... Default: a GPU if there is one.")
@click.option("--dtype", metavar="NAME", help="To compute in: float32, bfloat16, ..., auto (fastest). Default: float32.")
@click.option("--batch-tokens", type=click.IntRange(1), metavar="N", help="In a batch. Default: what is fastest.")
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes that clean. The output is the same.")
@click.option("--chunk-records", type=click.IntRange(1), metavar="N", help="Done, and saved, at a time. Default: 512; GPU: 8192.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", help="Ray: actors on a cluster encode.")
@click.option("--address", metavar="ADDRESS", help="Of the Ray cluster. Default: $RAY_ADDRESS, or this machine alone.")
@click.option("--actors", type=click.IntRange(1), metavar="N", help="That encode. Default: all that there is place for.")
@click.option("--gpus-per-actor", type=click.FloatRange(0), metavar="N", help="May be a share. Default: 1 if there are GPUs.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing but errors on standard error.")
def encode(
    inputs: tuple[str, ...],
    *,
    output: str,
    format: str | None,
    field: tuple[str, ...],
    whole_file: bool,
    encoding: str,
    on_missing: str,
    id_field: str | None,
    rejects: str | None,
    resume: bool,
    precision: str,
    truncate_dim: int | None,
    chunk_records: int | None,
    engine: str,
    address: str | None,
    actors: int | None,
    gpus_per_actor: float | None,
    quiet: bool,
    **rest: Any,
) -> int:
    """Write a vector for each record of INPUTs: JSON lines, plain text or Parquet, packed or not; '-' is standard input.

    One file of vectors comes out for all inputs, in their order, the ids of the records with them.
    """
    from vinilm.encoding.chunks import ID_FIELD
    from vinilm.encoding.journal import Journal
    from vinilm.encoding.outputs import DTYPES, Layout, output_kind
    from vinilm.encoding.progress import EncodingProgress, summary_lines
    from vinilm.encoding.run import Run
    from vinilm.encoding.settings import run_settings
    from vnlp_prep.corpus.documents import sources
    from vnlp_prep.corpus.journal import CannotResumeError
    from vnlp_prep.corpus.plan import check_outputs
    from vnlp_prep.corpus.records import shown
    from vnlp_prep.corpus.run import Options
    from vnlp_prep.terminal import Paint, wants_colour

    if engine != "ray" and (address is not None or actors is not None or gpus_per_actor is not None):
        raise SettingsError("--address, --actors and --gpus-per-actor are for --engine ray")
    kind = output_kind(output)
    options = Options(field, whole_file, on_missing, encoding, take_limits(rest))
    corpus = sources(inputs, options, format, id_field or ID_FIELD)
    if id_field is not None and any(source.format == "text" for source in corpus):
        raise SettingsError("--id-field: a line of plain text has no fields")
    rejects = rejects or f"{output}.rejects.jsonl"
    check_outputs([source.input for source in corpus], kind.files(output), rejects=[rejects])
    if Path(output).exists() and not Path(output).is_file():
        raise OutputError(f"{shown(output)}: vectors are written to a file, not to a device or pipe")
    journal = Journal(Path(output))
    finished = False
    stack = contextlib.ExitStack()
    try:
        if journal.rows and not resume and not quiet:
            click.echo(f"{shown(output)}: {journal.rows:,} records of an interrupted run are done again (no --resume)", err=True)
        plan = _plan(rest, precision=precision, truncate_dim=truncate_dim)
        if engine == "ray":
            compute, facts = _on_ray(stack, plan, address, actors, gpus_per_actor)
        else:
            compute, facts = _here(plan)
        chunk_records = chunk_records or (_CHUNK_CPU if facts.device == "cpu" else _CHUNK_GPU)
        run = Run(
            corpus,
            compute,
            kind(Path(output), Layout(facts.dimensions, DTYPES[precision], facts.made_with)),
            journal,
            rejects,
            run_settings(facts, options, corpus, chunk_records=chunk_records, id_field=id_field),
            chunk_records,
            id_field,
        )
        show = sys.stderr.isatty() and not quiet
        with EncodingProgress([s.input.size for s in corpus]) if show else contextlib.nullcontext() as progress:
            summary = run.run(resume=resume, watch=progress)
        finished = True
    except CannotResumeError:
        raise
    except BaseException:
        if journal.entries and not quiet:
            with contextlib.suppress(OSError):
                click.echo(f"{shown(output)}: {journal.rows:,} records are done; --resume goes on behind them", err=True)
        raise
    finally:
        try:
            stack.close()
        finally:
            journal.close(keep=bool(journal.entries) and not finished)
    if not quiet:
        for line in summary_lines(summary, run.output, Paint(wants_colour(sys.stderr))):
            click.echo(line, err=True, color=True)
    for name, reason in summary.damaged:
        say_error("vinilm", f"{name}: {reason}; what was read before is encoded")
    return ERROR if summary.damaged else REJECTS if summary.rejects else DONE


def _plan(options: dict[str, Any], *, precision: str, truncate_dim: int | None) -> EnginePlan:
    """Return what engine is asked for, by the options. Raises SettingsError."""
    from vinilm.encoding.plan import EnginePlan

    preprocess: Any = options["clean"]
    if options["preprocess"] is not None:
        if not preprocess:
            raise SettingsError("--no-clean and --preprocess exclude each other")
        from vnlp_prep.pipeline import Preprocessor

        preprocess = Preprocessor.load(options["preprocess"])
    if options["prompt"] is not None and options["prompt_name"] is not None:
        raise SettingsError("--prompt and --prompt-name exclude each other")
    extractor = {name: options[name] for name in ("backend", "device", "dtype", "pooling", "max_tokens", "long")}
    return EnginePlan(
        options["model"],
        {"preprocess": preprocess, **extractor},
        **{name: options[name] for name in ("normalize", "prompt", "prompt_name", "batch_tokens", "workers")},
        truncate_dim=truncate_dim,
        precision=precision,
    )


def _here(plan: EnginePlan) -> tuple[Engine, Facts]:
    """Return the engine in this process, and what is to be known of it. Raises ModelError, BackendError, SettingsError."""
    from vinilm.encoding.settings import Facts

    engine = plan.made()
    return engine, Facts.of(engine)


def _on_ray(
    stack: contextlib.ExitStack, plan: EnginePlan, address: str | None, actors: int | None, gpus: float | None
) -> tuple[Engine, Facts]:
    """Return the engine on a Ray cluster, which ``stack`` lets go, and what is to be known of it. Raises as ``_here``."""
    from vinilm.encoding.ray_engine import RayEngine
    from vnlp_prep.engines.cluster import connected

    engine = RayEngine(stack.enter_context(connected(address)), plan, actors=actors, gpus=gpus)
    stack.callback(engine.close)
    return engine, engine.facts
