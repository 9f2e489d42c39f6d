"""The command line: ``vinilm``. A command is imported when it is run; ``vinilm --help`` imports none."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click

from vnlp_prep.command_line import CONTEXT_SETTINGS, Commands, run_and_exit, version_option

#: Command -> the module that has it under that name, and what it does.
_COMMANDS = {
    "encode": ("vinilm.encode_command", "Write a vector for each record of files."),
    "serve": ("vinilm.serve.command", "Serve vectors over HTTP, as other services do."),
    "vocab": ("vinilm.vocab_command", "Give a model the words of your domain."),
    "pretrain": ("vinilm.pretrain_command", "Train an encoder further on the texts of a domain."),
    "distill": ("vinilm.distill_command", "Train a small encoder to be like a large one."),
    "evaluate": ("vinilm.evaluate_command", "Measure models, and what cleaning is worth."),
    "export": ("vinilm.export_command", "Write a model as ONNX, for OpenVINO, for Keras."),
    "recipe": ("vinilm.recipe_command", "Run all steps from a corpus to a small model."),
    "completion": ("vnlp_prep.completion_command", "Print the script with which a shell completes."),
}


class _LazyCommands(Commands):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if there is none of this name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of ``args``. Raises click.UsageError, with the name that may be meant."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from vnlp_prep.corpus.settings import did_you_mean

            known = ", ".join(_COMMANDS)
            ctx.fail(f"no command {args[0]!r}{did_you_mean(args[0], _COMMANDS)} (commands: {known})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write what the commands do, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in _COMMANDS.items()])


@click.group(
    cls=_LazyCommands,
    context_settings=CONTEXT_SETTINGS,
    epilog="""\b
Examples:
  vinilm encode kb.jsonl -m models/vinilm -o kb.parquet
  vinilm serve models/vinilm
  vinilm vocab docs.jsonl.gz -m models/vinilm -o models/vinilm-domain
  vinilm export models/vinilm -o vinilm-1.0 --format onnx --format openvino
  vinilm recipe recipes/vinilm.toml

Exit status: 0 done, 1 done with rejects, 2 error. 'vinilm COMMAND --help' has all options.""",
)
@version_option("vinilm")
def cli() -> None:
    """Turn text into features with a MiniLM-style BERT encoder; the text is cleaned first, as the model asks."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 done with rejects, 2 error, 128 + N when signal N ended it."""
    run_and_exit(cli, args, "vinilm")
