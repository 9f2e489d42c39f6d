"""Docstrings as Markdown, for the API reference.

Examples become blocks of code, roles such as ``:meth:`name` `` plain names. What ``#:`` says above an attribute is its docstring.
A named tuple shows its fields as the arguments that make one.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Attribute, Class, Docstring, Extension, Function, Object, Parameter, ParameterKind, Parameters

_EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).+)*", re.MULTILINE)
_ROLE = re.compile(r":[a-z]+:(?=`)")


class Docstrings(Extension):
    """Rewrites every docstring."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Take the lines that begin with ``#:`` above ``attr`` for its docstring, if it has no other."""
        if attr.docstring is None and attr.lineno is not None:
            said: list[str] = []
            for line in reversed(attr.lines_collection[attr.filepath][: attr.lineno - 1]):
                if not line.strip().startswith("#:"):
                    break
                said.insert(0, line.strip().removeprefix("#:").strip())
            if said:
                attr.docstring = Docstring("\n".join(said), parent=attr)

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Give ``cls`` the constructor that it has at run time, if it is a named tuple."""
        if any(str(base) == "NamedTuple" for base in cls.bases):
            fields = [
                Parameter(name, annotation=field.annotation, default=field.value, kind=ParameterKind.positional_or_keyword)
                for name, field in cls.attributes.items()
                if field.annotation is not None
            ]
            cls.set_member("__init__", Function("__init__", parameters=Parameters(*fields)))

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of ``obj``, if it has one."""
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", _ROLE.sub("", obj.docstring.value))
