"""The command ``completion`` of ``vnlp-prep`` and ``vinilm``: what a shell needs to complete their arguments."""

from __future__ import annotations

import click

from vnlp_prep.command_line import DONE


@click.command(
    epilog="""\b
For this session of the shell:
  eval "$(vnlp-prep completion bash)"
For good:
  vnlp-prep completion bash > ~/.local/share/bash-completion/completions/vnlp-prep
  vnlp-prep completion zsh > "${fpath[1]}/_vnlp-prep"
  vnlp-prep completion fish > ~/.config/fish/completions/vnlp-prep.fish"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the script with which SHELL completes commands, options, their values and the names of files."""
    from click.shell_completion import get_completion_class

    root = ctx.find_root()
    program = root.info_name or ""
    variable = f"_{program.replace('-', '_')}_COMPLETE".upper()
    kind = get_completion_class(shell)
    assert kind is not None  # click has these three
    click.echo(kind(root.command, {}, program, variable).source())
    return DONE
