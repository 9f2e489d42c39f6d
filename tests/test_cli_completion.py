"""Completion, asked of the real shells at a real prompt: what a press of the Tab key makes of a line."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shlex
import shutil
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from vnlp_prep import cli
from vnlp_prep.cli import _status
from vnlp_prep.command_line import complete_files

ROOT = Path(__file__).resolve().parents[1]
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$({program} completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -U compinit; compinit -u -D; eval "$({program} completion zsh)"'),
    "fish": (["fish", "--no-config", "--interactive"], "{program} completion fish | source"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with some files, and the programs on the path."""
    (tmp_path / "bin").mkdir()
    for program, module in (("vnlp-prep", "vnlp_prep"), ("vinilm", "vinilm")):
        script = tmp_path / "bin" / program
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("HOME", str(tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name in ("tickets.jsonl", "domain.tsv"):
        (work / name).write_text("")
    return work


def completed(shell, folder, lines, program="vnlp-prep"):
    """What each of the lines is, as words, after a press of the Tab key at its end."""
    if not shutil.which(shell):
        pytest.skip(f"without {shell}")
    command, setup = SHELLS[shell]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = b""

    def wait_for(name):
        nonlocal shown
        for _ in range(600):
            with contextlib.suppress(OSError):
                shown += os.read(ours, 65536)  # or the shell would wait for somebody to read
            if (folder / name).exists() and (folder / name).read_text().endswith("\n"):
                return (folder / name).read_text().split("\n")[:-1]
            time.sleep(0.05)
        pytest.fail(f"{shell}: nothing within 30 s; it shows {shown[-500:]!r}")

    def send(text):
        os.write(ours, text.encode())

    try:
        send(setup.format(program=program) + "; echo ready > ready\n")
        wait_for("ready")
        out = []
        for number, line in enumerate(lines):
            # Behind the completion: to the beginning of the line, which becomes the arguments of printf.
            send(f"{line}\t\x01printf '%s\\n' \x05 > {number}.out\n")
            out.append(wait_for(f"{number}.out"))
        return out
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_choices_and_files(shell, folder):
    lines = {
        "vnlp-prep expl": ["vnlp-prep", "explain"],
        "vnlp-prep tick": ["vnlp-prep", "tickets.jsonl"],
        "vnlp-prep clean tick": ["vnlp-prep", "clean", "tickets.jsonl"],
        "vnlp-prep explain --show-pr": ["vnlp-prep", "explain", "--show-protected"],
        "vnlp-prep clean --html pa": ["vnlp-prep", "clean", "--html", "page"],
        "vnlp-prep --stages spel": ["vnlp-prep", "--stages", "spelling"],
        "vnlp-prep --lexicon dom": ["vnlp-prep", "--lexicon", "domain.tsv"],
        "vnlp-prep tickets.jsonl --resu": ["vnlp-prep", "tickets.jsonl", "--resume"],
        "vnlp-prep --resu": ["vnlp-prep", "--resume"],
    }
    assert completed(shell, folder, lines) == list(lines.values())


def test_vinilm_too(folder):
    lines = {
        "vinilm enc": ["vinilm", "encode"],
        "vinilm encode tick": ["vinilm", "encode", "tickets.jsonl"],
        "vinilm encode --precision float3": ["vinilm", "encode", "--precision", "float32"],
    }
    assert completed("bash", folder, lines, program="vinilm") == list(lines.values())


def test_a_shell_that_is_not_known(capsys):
    assert _status(["completion", "tcsh"]) == 2
    assert "'bash', 'zsh', 'fish'" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(cli.cli.commands))
def test_what_names_a_file_completes_files(command):
    parameters = cli.cli.commands[command].params
    named = [p for p in parameters if p.metavar and any(word in p.metavar for word in ("FILE", "CORPUS", "INPUT", "DOMAIN"))]
    assert [p.name for p in named if p._custom_shell_complete is not complete_files] == []
