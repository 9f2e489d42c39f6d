"""The commands that a step of a recipe can be, and how a table of options becomes the arguments of one."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from importlib import import_module
from typing import Any

import click

from vnlp_prep.corpus.settings import did_you_mean
from vnlp_prep.errors import SettingsError

#: Commands of the two programs that are no step: they serve, ask somebody, or would run this again.
_NO_STEPS = {"serve", "completion", "recipe", "review", "explain", "restore"}
_COLLECT = "vinilm.recipes.collect"
_OUTPUT = "output"


@dataclass(frozen=True)
class Tool:
    """A command: ``module`` is run by Python with the arguments ``before``, then those of the step."""

    name: str
    command: click.Command
    module: str
    before: tuple[str, ...]

    def process(self, arguments: Sequence[str]) -> list[str]:
        """Return what is run."""
        return [sys.executable, "-m", self.module, *self.before, *arguments]

    def line(self, arguments: Sequence[str]) -> str:
        """Return the same as a person types it."""
        program = ["python", "-m", self.module] if self.module == _COLLECT else [self.module.replace("_", "-")]
        return shlex.join([*program, *self.before, *arguments])

    @property
    def keys(self) -> dict[str, click.Parameter]:
        """What a table may set: the long options without dashes, and the names of the arguments."""
        found: dict[str, click.Parameter] = {}
        for parameter in self.command.params:
            if isinstance(parameter, click.Argument):
                shown = (parameter.metavar or "").rstrip(".").lower()
                found |= {_key(name): parameter for name in (parameter.name, shown) if name and name not in found}
        for parameter in self.command.params:
            if isinstance(parameter, click.Option) and parameter.name not in ("help", _OUTPUT):
                found |= {_key(option[2:]): parameter for option in parameter.opts if option.startswith("--")}
        return found

    @property
    def output_kind(self) -> str:
        """What ``-o`` names: ``folder``, ``file`` or ``""`` (a file of JSON lines by default)."""
        option = next((p for p in self.command.params if p.name == _OUTPUT), None)
        metavar = (getattr(option, "metavar", None) or "").upper()
        return {"FOLDER": "folder", "FILE": "file"}.get(metavar, "")

    @property
    def can_resume(self) -> bool:
        """Whether an interrupted run can be gone on with."""
        return "resume" in self.keys

    def arguments(self, table: Mapping[str, Any], output: str) -> list[str]:
        """Return the arguments for the options in ``table``, in its order, the output named ``output``.

        A list is an option given several times, or where it is to be given once, joined by commas; a table is ``KEY=VALUE``
        several times. Raises SettingsError for a key that the command has not, or a value that it cannot have.
        """
        keys = self.keys
        places, options = [], []
        for written, value in table.items():
            key = _key(written)
            if key not in keys:
                known = ", ".join(sorted(keys))
                raise SettingsError(f"unknown key {written!r}{did_you_mean(key, keys)} (keys of {self.name}: {known})")
            parameter = keys[key]
            try:
                if isinstance(parameter, click.Argument):
                    places += _texts(value)
                else:
                    assert isinstance(parameter, click.Option)
                    options += list(_given(parameter, key, value))
            except SettingsError as error:
                raise SettingsError(f"{written}: {error}") from None
        if self.can_resume and "resume" not in map(_key, table):
            options.append("--resume")
        found = [*places, "-o", output, *options]
        self._check(found)
        return found

    def _check(self, arguments: list[str]) -> None:
        """Have the command read its arguments, without running it. Raises SettingsError."""
        try:
            self.command.make_context(self.name, list(arguments))
        except click.UsageError as error:
            raise SettingsError(error.format_message()) from None


def find_tool(name: str) -> Tool:
    """Return the command ``name``. Raises SettingsError if there is none, or it is no step."""
    if name == "collect":
        return Tool(name, import_module(_COLLECT).collect, _COLLECT, ())
    from vinilm.cli import cli as ours
    from vnlp_prep.cli import cli as theirs

    context = click.Context(ours)
    known = ["collect"]
    for group, module in ((ours, "vinilm"), (theirs, "vnlp_prep")):
        names = [n for n in group.list_commands(context) if n not in _NO_STEPS]
        if name in names:
            command = group.get_command(context, name)
            assert command is not None
            return Tool(name, command, module, (name,))
        known += names
    hint = did_you_mean(name, known)
    raise SettingsError(f"no command {name!r} that a step can be{hint} (commands: {', '.join(sorted(known))})")


def _key(name: str) -> str:
    return name.replace("_", "-")


def _given(option: click.Option, key: str, value: Any) -> Iterator[str]:
    """Yield the arguments that give ``option`` its value. Raises SettingsError."""
    flag = f"--{key}"
    if option.is_flag:
        if not isinstance(value, bool):
            raise SettingsError("true or false is needed")
        yield from [flag] if value else option.secondary_opts[:1]
    elif isinstance(value, (list, dict)) and not option.multiple:
        if isinstance(value, dict) or option.nargs != 1:
            raise SettingsError("one value is needed")
        yield from (flag, ",".join(_texts(value)))
    else:
        for text in _texts(value):
            yield from (flag, text)


def _texts(value: Any) -> list[str]:
    """Return a value as arguments. Raises SettingsError for a truth value or a date, which are none."""
    if isinstance(value, dict):
        return [f"{key}={text}" for key, item in value.items() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, (date, time)):
        raise SettingsError(f"a string or a number is needed, and without quotation marks {value} is a date or a time")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise SettingsError(f"a string or a number is needed, not {value!r}")
    return [str(value)]
