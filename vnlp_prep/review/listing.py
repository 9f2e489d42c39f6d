"""The groups of a report as a list: a row for each, which opens to its examples. It is whole without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vnlp_prep.review import charts
from vnlp_prep.review.markup import Markup, join, marked, tag
from vnlp_prep.stages import STAGES
from vnlp_prep.terminal import counted, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vnlp_prep.review.groups import Example, Group

_SHOWN = 40  # code points of a change in its row
_NEAR = 36  # code points on each side, there
_FORMS = 4  # other ways to write it that are named


def group_list(groups: Sequence[Group], limit: int, noun: str, about: str) -> Markup:
    """Return the list of the first ``limit`` of ``groups``, with what filters and sorts it, if scripts may run."""
    if not groups:
        return tag("p", f"There are no {noun}s.", class_="panel")
    shown = groups[:limit]
    rest = groups[limit:]
    heads = ("change", "in context", "rule", "count", "confidence")
    more = None
    if rest:
        left = counted(sum(g.count for g in rest), noun)
        more = tag("p", f"{len(rest):,} more groups of less weight, with {left}, are not shown.", class_="note more")
    there = {g.stage for g in shown}
    stages = [stage for stage in STAGES if stage in there] + sorted(there - set(STAGES))
    return join(
        tag("p", about, class_="lead"),
        tag(
            "div",
            _tools(stages, len(shown)),
            tag("div", *(tag("span", head, class_=f"h{i}") for i, head in enumerate(heads)), class_="heads", aria_hidden="true"),
            tag("div", *(_row(g, noun) for g in shown), class_="rows"),
            tag("p", "Nothing fits.", class_="none", hidden=True),
            class_="list",
        ),
        more,
    )


def _tools(stages: Sequence[str], count: int) -> Markup:
    """What only a script can do; it shows it."""
    chips = [
        tag("button", charts.dot(stage), stage, type="button", class_="chip", data_stage=stage, aria_pressed="true")
        for stage in stages
    ]
    orders = (("weight", "count × doubt"), ("count", "count"), ("doubt", "least sure"), ("text", "A to Z"))
    options = [tag("option", name, value=value) for value, name in orders]
    return tag(
        "div",
        tag("input", type="search", placeholder="Filter: a word, a rule, a file …", aria_label="Filter"),
        tag("div", *chips, class_="chips") if len(chips) > 1 else None,
        tag("label", "Order ", tag("select", *options)),
        tag("output", f"{count:,}", class_="shown"),
        class_="tools",
        hidden=True,
    )


def _row(group: Group, noun: str) -> Markup:
    likely = sorted(group.examples, key=lambda e: e.before != group.before)  # written as in the row, if there is one
    near = _in_context(likely[0]) if likely else None
    summary = tag(
        "summary",
        tag("span", _change(group.before, group.after), class_="chg"),
        tag("span", near, class_="near"),
        tag("span", *charts.named_rule(group.stage, shortened(group.rule, _SHOWN)), class_="rule", title=group.stage),
        tag("span", f"{group.count:,}", class_="n"),
        tag("span", charts.bar(group.confidence, charts.stage_class(group.stage)), _confidence(group.confidence), class_="conf"),
    )
    figures = f"{counted(group.count, noun)} in {counted(group.records, 'record')}, confidence {_confidence(group.confidence, 4)}"
    others = [form for form in group.forms[: _FORMS + 1] if form[:2] != (group.before, group.after)]
    examples = [_example(e) for e in group.examples]
    return tag(
        "details",
        summary,
        tag("p", figures, *(join(" · also ", _change(b, a), f" {n:,}") for b, a, n in others[:_FORMS]), class_="note"),
        tag("ol", *examples) if examples else tag("p", "The raw text is not known, so there are no examples.", class_="note"),
        data_stage=group.stage,
        data_count=group.count,
        data_doubt=f"{group.doubt:.6f}",
    )


def _confidence(value: float, digits: int = 2) -> str:
    """Return a confidence that is 1 only if it is.

    >>> _confidence(0.9996), _confidence(1.0), _confidence(0.4), _confidence(0.99996, 4)
    ('> 0.99', '1', '0.40', '> 0.9999')
    """
    if value >= 1:
        return "1"
    most = 1 - 10**-digits
    return f"> {most:.{digits}f}" if value > most + 0.5 * 10**-digits else f"{value:.{digits}f}"


def _change(before: str, after: str) -> Markup:
    arrow = tag("span", "→", class_="to", aria_label="becomes")
    return join(_struck(before), " ", arrow, " ", _new(after, "nothing"))


def _struck(before: str) -> Markup:
    return tag("del", marked(shortened(before, _SHOWN), spaces=True), dir="auto")


def _new(after: str, nothing: str) -> Markup:
    if not after:
        return tag("ins", nothing, class_="nil")
    return tag("ins", marked(shortened(after, _SHOWN), spaces=True), dir="auto")


def _in_context(example: Example) -> Markup:
    left, right = example.before_context[-_NEAR:], example.after_context[:_NEAR]
    return join(
        tag("bdi", tag("span", marked(left)), class_="l"),
        tag("mark", marked(shortened(example.before, _SHOWN)), dir="auto"),
        tag("bdi", marked(right), class_="r"),
    )


def _example(example: Example) -> Markup:
    place = f"{example.file}:{example.line}" + (f" {example.field}" if example.field else "")
    changed = join(
        tag("bdi", marked(example.before_context)),
        tag("del", marked(example.before, spaces=True), dir="auto"),
        tag("ins", marked(example.after, spaces=True), dir="auto") if example.after else None,
        tag("bdi", marked(example.after_context)),
    )
    return tag("li", tag("span", marked(place), class_="place"), tag("p", changed))
