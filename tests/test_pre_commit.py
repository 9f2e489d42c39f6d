"""The hooks, run by the real pre-commit on repositories of git that are made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GIT = shutil.which("git")
HOOKS = ROOT / ".pre-commit-hooks.yaml"
TEXT = "# Teh title\n\nWe recieve it.\n\n```\nteh code\n```\n"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(GIT is None, reason="without git")]
pytest.importorskip("pre_commit")


def run(*command, cwd, status=None, **environment):
    settings = {"PRE_COMMIT_COLOR": "never", "GIT_CONFIG_GLOBAL": os.devnull, **environment}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, env={**os.environ, **settings})
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done


def git(folder, *args):
    return run(GIT, "-c", "user.name=A", "-c", "user.email=a@example.com", *args, cwd=folder, status=0).stdout


@pytest.fixture
def project(tmp_path):
    """A repository with files of several kinds, all staged."""
    folder = tmp_path / "project"
    (folder / "vendor").mkdir(parents=True)
    for name in ("a.md", "b.txt", "c.py", "vendor/d.md"):
        (folder / name).write_text(TEXT)
    (folder / "e.jsonl").write_text('{"text": "we recieve it"}\n')
    (folder / "vnlp-prep.toml").write_text("exclude = ['vendor']\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    return folder


def pre_commit(folder, cache, *args):
    # The hook must not see this checkout: what counts is what pre-commit installed.
    environment = {"PRE_COMMIT_HOME": str(cache), "VNLP_PREP_CACHE": str(cache / "vnlp-prep"), "PYTHONPATH": ""}
    return run(sys.executable, "-m", "pre_commit", *args, cwd=folder, **environment)


def check_both_hooks(run_hook, project):
    """What a user sees: the first hook fails and changes nothing, the second one fixes, then both pass."""
    first = run_hook("vnlp-prep-check")
    assert first.returncode == 1
    assert 'a.md:1:3: spelling/known-misspelling "Teh" -> "The"' in first.stdout
    assert "e.jsonl:1:text:4: spelling/known-misspelling" in first.stdout
    assert "c.py" not in first.stdout
    assert "vendor" not in first.stdout
    assert (project / "a.md").read_text() == TEXT
    second = run_hook("vnlp-prep-fix")
    assert second.returncode == 1
    assert "files were modified by this hook" in second.stdout
    for name in ("a.md", "b.txt"):
        assert (project / name).read_text() == TEXT.replace("Teh", "The").replace("recieve", "receive")
    assert (project / "c.py").read_text() == (project / "vendor" / "d.md").read_text() == TEXT
    git(project, "add", "-A")
    for hook in ("vnlp-prep-check", "vnlp-prep-fix"):
        assert run_hook(hook).returncode == 0


def test_the_hooks_file_is_valid():
    run(sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS), cwd=ROOT, status=0)


def test_the_hooks_with_the_program_that_is_here(project, tmp_path):
    """The hooks file as it is, but for the installation."""
    repository = tmp_path / "hooks"
    repository.mkdir()
    command = f"entry: env PYTHONPATH={ROOT} {sys.executable} -m vnlp_prep check"
    text = HOOKS.read_text().replace("entry: vnlp-prep check", command).replace("language: python", "language: system")
    (repository / HOOKS.name).write_text(text)
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Hooks")

    def hook(name):
        return pre_commit(project, tmp_path / "cache", "try-repo", str(repository), name, "--all-files")

    check_both_hooks(hook, project)


def test_the_hooks_as_they_are_installed(project, tmp_path):
    """A repository of what a checkout holds: pre-commit installs the package with what it needs."""
    repository = tmp_path / "hooks"
    repository.mkdir()
    for name in ("vnlp_prep", "vinilm", "data", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", HOOKS.name):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, repository / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, repository)
    git(repository, "init", "-q")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "Everything")

    def hook(name):
        done = pre_commit(project, tmp_path / "cache", "try-repo", str(repository), name, "--all-files")
        if "No matching distribution" in done.stdout + done.stderr or "ConnectionError" in done.stdout + done.stderr:
            pytest.skip("the packages that it needs cannot be had here")
        return done

    check_both_hooks(hook, project)
