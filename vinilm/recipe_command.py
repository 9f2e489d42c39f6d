"""The command ``vinilm recipe``: all steps from a corpus to a small model."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vnlp_prep.command_line import DONE, complete_files


@click.command(
    epilog="""\b
Examples:
  vinilm recipe recipes/vinilm.toml
  vinilm recipe recipes/vinilm.toml -i my/pages -o out/mine --set vocab.terms=500
  vinilm recipe recipes/vinilm.toml --from distill
  vinilm recipe recipes/vinilm.toml --dry-run

The same command goes on where it was interrupted. Steps whose settings, inputs and outputs are as they were are
not run again. FOLDER/recipe.log has every command line, what it said and how long it took.
Exit status: 0 done, 1 done and a step had rejects; else that of the step that failed."""
)
@click.argument("recipe", metavar="RECIPE.toml", shell_complete=complete_files)
@click.option(
    "-o", "--output", metavar="FOLDER", shell_complete=complete_files, help="For all that steps write. Default: its own."
)
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="FILE",
    shell_complete=complete_files,
    help="Instead of the recipe's inputs.",
)
@click.option("--set", "changes", multiple=True, metavar="STEP.KEY=VALUE", help="Instead of what the recipe says; repeatable.")
@click.option("--from", "first", metavar="STEP", help="Run this step and all behind it again.")
@click.option("--only", metavar="STEP", help="Run this step, again if need be, and no other.")
@click.option("--dry-run", is_flag=True, help="Print the command lines of the steps that would run; run none.")
@click.option("-q", "--quiet", is_flag=True, help="Not what the steps say; it is in the log.")
def recipe(
    recipe: str,
    *,
    output: str | None,
    inputs: tuple[str, ...],
    changes: tuple[str, ...],
    first: str | None,
    only: str | None,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Run the steps of RECIPE.toml, each a command of this project, in their order, as far as they are not done.

    Paths in a recipe are relative to the current folder.
    """
    from vinilm.recipes.reading import read_recipe
    from vinilm.recipes.run import chosen_steps, line_of, run_recipe, table
    from vinilm.recipes.stamps import plan

    found = read_recipe(Path(recipe), output=output, inputs=inputs, changes=changes)
    if dry_run:
        steps, anew = chosen_steps(found, first, only)
        waiting = False
        for step in steps:
            planned = plan(found, step, anew=step.name in anew)
            waiting = waiting or planned.runs
            click.echo(f"# {line_of(step, planned)}" if planned.runs or not waiting else f"# {step.name}: if its inputs change")
            click.echo(f"{step.line}")
        return DONE

    def say(line: str) -> None:
        click.echo(line, err=True)

    def show(data: bytes) -> None:
        if not quiet:
            sys.stderr.buffer.write(data)
            sys.stderr.buffer.flush()

    outcome = run_recipe(found, first=first, only=only, say=say, show=show)
    say("")
    for line in table(outcome.rows):
        say(line)
    return outcome.exit_status
