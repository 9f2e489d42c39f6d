r"""HTML out of strings: everything is escaped, and what would not be seen, or would be obeyed, is shown by its name.

>>> print(tag("p", "a<b", tag("b", "&"), class_="x"))
<p class="x">a&lt;b<b>&amp;</b></p>
>>> print(marked("a\u200bb"))
a<span class="ch" title="U+200B ZERO WIDTH SPACE">ZWSP</span>b
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

from vnlp_prep.terminal import visible

_VOID = frozenset({"meta", "input", "br", "hr", "rect", "line"})

#: What people call characters that are not seen.
_NAMES = {
    "\0": "NUL", "\t": "⇥", "\n": "⏎", "\r": "CR", "\x1b": "ESC", "\x7f": "DEL", "\x85": "NEL",
    "\xa0": "NBSP", "\xad": "SHY", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM", "\u200f": "RLM",
    "\u2028": "LSEP", "\u2029": "PSEP", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2060": "WJ", "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
}  # fmt: skip
# Spaces that could be overlooked: at the edges, and more than one.
_ODD_SPACES = re.compile(r"^ +| +$| {2,}")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: str) -> Markup:
    r"""``value`` as HTML; unprintable characters, and what UTF-8 cannot hold, as ``\u....``."""
    return Markup(escape(visible(value, newlines=True)))


def join(*children: str | None) -> Markup:
    """All ``children`` one behind the other; those that are no Markup are escaped, None is left out."""
    return Markup("".join(child if isinstance(child, Markup) else text(child) for child in children if child is not None))


def tag(name: str, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """An element. ``class_`` is the attribute class, ``data_x`` data-x; True is one without a value, None and False are none.

    Numbers are written with at most two decimals.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID and not children:
        return Markup(f"<{name}{written}>" if name not in ("rect", "line") else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    key = key.removesuffix("_").replace("_", "-")
    if value is True:
        return f" {key}"
    shown = text(value) if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
    return f' {key}="{shown}"'


def marked(value: str, *, spaces: bool = False) -> Markup:
    """``value`` as HTML in which every character that would not be seen stands as a small label; ``spaces``: odd ones too.

    Marks that combine with a Latin letter get a circle of their own, so that ``é`` in two characters does not look like one.
    """
    if value.isascii() and value.isprintable():
        out = escape(value)
    else:
        out = "".join(_character(c, value[i - 1] if i else "") for i, c in enumerate(value))
    if spaces:
        out = _ODD_SPACES.sub(lambda m: f'<span class="sp">{"·" * len(m[0])}</span>', out)
    return Markup(out)


def _character(c: str, before: str) -> str:
    category = unicodedata.category(c)
    if category == "Mn" and (not before or before.isascii()):
        return f'<span class="ch" title="{_title(c)}">\u25cc{c}</span>'
    if c.isprintable() and not ("\ufe00" <= c <= "\ufe0f"):
        return escape(c)
    label = _NAMES.get(c) or f"{ord(c):04X}"
    kind = "ch nl" if c == "\n" else "ch"
    return f'<span class="{kind}" title="{_title(c)}">{label}</span>'


def _title(c: str) -> str:
    name = unicodedata.name(c, "")
    return f"U+{ord(c):04X}{' ' + name if name else ''}"
