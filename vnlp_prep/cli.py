"""The command line: ``vnlp-prep``. What is imported here is imported by ``--help``; the rest waits for its command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vnlp_prep.check_command import check
from vnlp_prep.clean_command import clean
from vnlp_prep.command_line import (
    CONTEXT_SETTINGS,
    Commands,
    exit_status,
    run_and_exit,
    version_option,
)
from vnlp_prep.completion_command import completion
from vnlp_prep.explain_command import explain
from vnlp_prep.learn_command import learn
from vnlp_prep.report_command import report
from vnlp_prep.restore_command import restore
from vnlp_prep.review_command import review

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _Commands(Commands):
    """A group in which the first argument that is no command means ``clean``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["clean", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what the first argument may be: a command, or what may stand behind ``clean``."""
        from click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            return [CompletionItem(incomplete, type="file"), *found]
        known = {item.value for item in found}
        options = clean.shell_complete(click.Context(clean, parent=ctx, info_name="clean"), incomplete)
        return found + [item for item in options if item.value not in known]


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
  vnlp-prep check docs/ kb.jsonl
  vnlp-prep report tickets.jsonl -o report.html
  vnlp-prep review domain.tsv tickets.jsonl

Exit status: 0 done, 1 done with rejects, 2 error. 'vnlp-prep clean --help' has all options.""",
)
@version_option("vnlp-prep")
def cli() -> None:
    """Clean noisy technical English: HTML, Unicode, repeats, compounds, spelling. Do no harm.

    Without a command, files are cleaned: 'vnlp-prep FILE' is 'vnlp-prep clean FILE'.
    """


cli.add_command(clean)
cli.add_command(check)
cli.add_command(restore)
cli.add_command(explain)
cli.add_command(learn)
cli.add_command(report)
cli.add_command(review)
cli.add_command(completion)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 done with rejects, 2 error, 128 + N when signal N ended it."""
    run_and_exit(cli, args, "vnlp-prep")


def _status(args: list[str]) -> int:
    return exit_status(cli, args, "vnlp-prep")
