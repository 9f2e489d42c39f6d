"""Docstrings as Markdown, for the API reference.

Examples become blocks of code, roles such as ``:meth:`name` `` plain names. What ``#:`` says above an attribute is its docstring.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Attribute, Docstring, Extension, Object

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

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of ``obj``, if it has one."""
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", _ROLE.sub("", obj.docstring.value))
