"""The report as one page of HTML that needs nothing else: no network, no script to be read, no style but its own."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING

from vnlp_prep.review import charts
from vnlp_prep.review.figures import CONFIDENCES, Figures
from vnlp_prep.review.groups import SURE
from vnlp_prep.review.listing import group_list
from vnlp_prep.review.markup import Markup, join, marked, tag
from vnlp_prep.stages import STAGES
from vnlp_prep.terminal import counted, ranked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vnlp_prep.corpus.summary import Summary
    from vnlp_prep.review.groups import Groups
    from vnlp_prep.review.pieces import PieceCounts

_BARS = 64  # of the chart over the corpus
_MARKED_FILES = 24  # the most whose beginnings are marked there
_LISTED_FILES = 50
_LISTED_RULES = 12  # at once; the others fold out
_MOST_RULES = 200

#: What the reasons of rejects mean. The table of docs/corpus.md has all of them.
_REASONS = {
    "invalid-utf-8": "bytes that are not UTF-8",
    "invalid-encoding": "bytes that are not in the encoding that was named",
    "nul-byte": "a raw NUL byte",
    "control-character": "a raw control character in a JSON string",
    "truncated-json": "the line ends too early",
    "invalid-json": "the line is not JSON",
    "too-deep": "more than 1,024 levels",
    "number-out-of-range": "a number that is too large",
    "not-a-number": "NaN or Infinity",
    "lone-surrogate": "half of a surrogate pair",
    "duplicate-key": "an object that has a key twice",
    "not-an-object": "the record is a list, a number or null",
    "field-missing": "the text field is missing",
    "field-null": "the text field is null",
    "field-not-text": "the text field holds no string",
    "line-too-long": "a line longer than --max-line-bytes",
    "truncated-archive": "the last line of a damaged archive",
    "internal-error": "cleaning failed: a bug, please report it",
}


@dataclass
class Report:
    """What a report tells of."""

    title: str
    #: The inputs as they are shown.
    inputs: Sequence[str]
    groups: Groups
    figures: Figures
    summary: Summary
    is_log: bool = False
    #: Groups in each list.
    limit: int = 500
    #: How it was cleaned, for people: name -> value.
    settings: Mapping[str, str] = field(default_factory=dict)

    def page(self) -> bytes:
        """Return the page as UTF-8."""
        return _page(self).encode("utf-8")


def _page(report: Report) -> str:
    style, script = (files(__package__).joinpath(name).read_text("utf-8") for name in ("report.css", "report.js"))
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("meta", name_="referrer", content="no-referrer"),
        tag("title", report.title),
        tag("style", Markup(style)),
    )
    sections = list(_sections(report))
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    body = tag(
        "body",
        tag("header", tag("div", tag("h1", marked(report.title)), tag("p", _about(report), class_="about"), class_="in")),
        tag("nav", tag("div", *links, class_="in"), aria_label="Sections"),
        tag("main", *(_section(*section) for section in sections), class_="in"),
        tag("footer", _how(report), class_="in"),
        tag("script", Markup(script)),
    )
    return "<!doctype html>\n" + tag("html", "\n", head, "\n", body, "\n", lang="en") + "\n"


def _digest(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode('utf-8')).digest()).decode('ascii')}'"


def _section(name: str, title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content, id=name)


def _sections(report: Report) -> Iterable[tuple[str, str, Markup]]:
    figures = report.figures
    yield "overview", "Overview", _cards(report)
    if figures.edit_rules or figures.suggestion_rules:
        yield "what", "What changed", _charts(report)
        yield "changes", "Changes", group_list(report.groups.ranked(is_suggestion=False), report.limit, "change", _LOOK_FIRST)
        yield (
            "suggestions",
            "Suggestions",
            group_list(report.groups.ranked(is_suggestion=True), report.limit, "suggestion", _NOT_MADE),
        )
    if report.summary.rejects or report.summary.damaged:
        yield "rejects", "Not cleaned", _rejects(report)
    if len(figures.files) > 1:
        yield "files", "Files", _files(report)


_LOOK_FIRST = (
    "Equal changes are one row. What is frequent and not sure comes first: there a mistake costs most, and a decision saves most."
)
_NOT_MADE = "Not sure enough to be made, so the text is as it was. Where one is right, teach it: a lexicon of your own."


def _about(report: Report) -> str:
    names = ", ".join(report.inputs[:3]) + (f" and {len(report.inputs) - 3:,} more" if len(report.inputs) > 3 else "")
    return f"Read from the edit log {names}" if report.is_log else f"{names}, cleaned for this report; no file was changed"


# --- Key figures ---------------------------------------------------------------------------------------------------------


def _cards(report: Report) -> Markup:
    summary, figures = report.summary, report.figures
    edits = sum(summary.edits.values())
    rejects = sum(summary.rejects.values())
    share = summary.changed / summary.records if summary.records else 0.0
    cards = [
        _card("Records changed", _percent(share), f"{summary.changed:,} of {counted(summary.records, 'record')}", bar=share),
        _card("Changes", f"{edits:,}", f"{edits / summary.records:.1f} a record" if summary.records else "no records"),
        _card("Likely wrong", _about_so_many(figures.likely_wrong), "of the changes, by their confidence"),
        _card("Suggestions", f"{summary.suggestions:,}", "not made: not sure enough"),
    ]
    if figures.characters_before and figures.characters_after is not None:
        change = figures.characters_after / figures.characters_before - 1
        cards.append(
            _card(
                "Length of the texts", _signed(change), f"{figures.characters_before:,} → {figures.characters_after:,} characters"
            )
        )
    if figures.pieces_before and figures.pieces_after:
        before, after = figures.pieces_before, figures.pieces_after
        cards.append(_card("Pieces per word", f"{after.per_word:.2f}", f"before {before.per_word:.2f}"))
    cards.append(
        _card("Not cleaned", f"{rejects:,}", "records rejected" if rejects else "every record was read", bad=rejects > 0)
    )
    return tag("div", *cards, class_="cards")


def _card(label: str, value: str, more: str, *, bar: float | None = None, bad: bool = False) -> Markup:
    chart = None if bar is None else charts.bar(bar, "main")
    inside = (tag("dt", label), tag("dd", value, class_="value"), tag("dd", more, class_="more"))
    return tag("dl", *inside, chart, class_="card bad" if bad else "card")


def _percent(share: float) -> str:
    if share >= 0.1 or share == 0:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if share >= 0.0005 else "< 0.1 %"


def _signed(share: float) -> str:
    return f"{'−' if share < 0 else '+' if share > 0 else ''}{_percent(abs(share))}"


def _about_so_many(value: float) -> str:
    return f"≈ {value:,.0f}" if value >= 0.5 else "< 1" if value > 0 else "0"


# --- Charts --------------------------------------------------------------------------------------------------------------


def _charts(report: Report) -> Markup:
    figures = report.figures
    made: Counter[str] = Counter()
    suggested: Counter[str] = Counter()
    for counts, rules in ((made, figures.edit_rules), (suggested, figures.suggestion_rules)):
        for (stage, _), count in rules.items():
            counts[stage] += count
    stages = [s for s in ("input", *STAGES) if s in made or s in suggested]
    stages += sorted({*made, *suggested} - set(stages))
    panels = [
        _panel("By stage", _by_stage(stages, made, suggested)),
        _panel("Over the corpus", _over_the_corpus(report, [s for s in stages if made[s]])) if made else None,
        _panel("Where the doubt is", _how_sure(figures)),
        _panel("By rule", _by_rule(figures)),
        _panel("As an encoder reads it", _pieces(figures.pieces_before, figures.pieces_after))
        if figures.pieces_before and figures.pieces_after
        else None,
    ]
    return tag("div", *panels, class_="panels")


def _panel(title: str, content: Markup) -> Markup:
    return tag("div", tag("h3", title), content, class_="panel")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str, kind: str | None = None) -> Markup:
    """A table; the first column is text, the others are figures, except bars."""
    head = tag("tr", *(tag("th", name, scope="col", class_=None if i == 0 else "num") for i, name in enumerate(heads)))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", v, class_="b" if "<svg" in v[:4] else "num") for v in row[1:]))
        for row in rows
    ]
    return tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body), class_=kind)


def _by_stage(stages: Sequence[str], made: Counter[str], suggested: Counter[str]) -> Markup:
    total = made.total()
    rows = [
        (
            join(charts.dot(stage), stage),
            f"{made[stage]:,}",
            _percent(made[stage] / total) if total else "",
            f"{suggested[stage]:,}" if suggested[stage] else "",
        )
        for stage in stages
    ]
    stack = charts.stacked({s: made[s] for s in stages if made[s]}, "Share of each stage in the changes") if total else None
    return join(stack, _table(("stage", "changes", "share", "suggestions"), rows, "Changes and suggestions by stage"))


def _by_rule(figures: Figures) -> Markup:
    both = figures.edit_rules + figures.suggestion_rules
    most = max(both.values())
    listed = sorted(both.items(), key=lambda item: (-item[1], item[0]))
    rows = []
    for (stage, rule), _ in listed[:_MOST_RULES]:
        made, suggested = figures.edit_rules[stage, rule], figures.suggestion_rules[stage, rule]
        rows.append(
            (
                join(*charts.named_rule(stage, rule)),
                charts.bar(made / most, charts.stage_class(stage), suggested / most),
                f"{made:,}" if made else "",
                f"{suggested:,}" if suggested else "",
            )
        )
    heads, caption = ("rule", "", "changes", "suggestions"), "Changes and suggestions by rule"
    first = _table(heads, rows[:_LISTED_RULES], caption)
    if len(rows) <= _LISTED_RULES:
        return first
    fold = tag("summary", f"{len(listed) - _LISTED_RULES:,} rarer rules")
    return join(first, tag("details", fold, _table(heads, rows[_LISTED_RULES:], f"{caption}, the rarer ones"), class_="fold"))


def _how_sure(figures: Figures) -> Markup:
    made, suggested = figures.edit_confidences, figures.suggestion_confidences
    most = max(figures.doubts.values(), default=0) or 1
    rows = []
    for i in range(len(CONFIDENCES) - 1, -1, -1):
        doubt = figures.doubts.get(i, 0.0)
        end = CONFIDENCES[i + 1] if i + 1 < len(CONFIDENCES) else 1
        rows.append(
            (
                f"{CONFIDENCES[i]:g} to {end:g}",
                charts.bar(doubt / most, "main"),
                _about_so_many(doubt) if doubt else "",
                f"{made[i]:,}" if made[i] else "",
                f"{suggested[i]:,}" if suggested[i] else "",
            )
        )
    heads = ("confidence", "", "likely wrong", "changes", "suggestions")
    table = _table(heads, rows, "Changes and suggestions by confidence", "classes")
    note = "Likely wrong: the changes of a class, each with 1 − its confidence. A suggestion is not made, so it is none of them."
    return join(table, tag("p", note, class_="note"))


def _over_the_corpus(report: Report, stages: Sequence[str]) -> Markup:
    timeline = report.figures.timeline
    bars = timeline.bars(_BARS)
    starts: list[int] = []
    at = 0
    for counts in report.figures.files.values():
        at += counts.records + counts.rejected
        starts.append(at)
    borders = [start / at for start in starts[:-1]] if 1 < len(starts) <= _MARKED_FILES and at else []
    chart, top = charts.timeline(bars, stages, borders, "Changes in a record, along the corpus, by stage")
    records = bars[0][1] - bars[0][0] + 1
    each = "one record" if records == 1 else f"{records:,} records"
    scale = tag("div", *(tag("span", f"{value:,g}") for value in (top, top / 2, 0)), class_="scale", aria_hidden="true")
    axis = tag("div", tag("span", "record 1"), tag("span", f"{timeline.records:,}"), class_="axis")
    note = f"A bar is {each}; its height, the changes in one of them."
    if borders:
        note += " Upright lines: where a file begins."
    return join(charts.legend(stages), tag("div", scale, chart, axis, class_="plot"), tag("p", note, class_="note"))


def _pieces(before: PieceCounts, after: PieceCounts) -> Markup:
    rows = [
        ("words", f"{before.words:,}", f"{after.words:,}"),
        ("pieces per word", f"{before.per_word:.3f}", f"{after.per_word:.3f}"),
        ("words that are cut", f"{100 * before.broken_share:.1f} %", f"{100 * after.broken_share:.1f} %"),
        ("tokens in all", f"{before.tokens:,}", f"{after.tokens:,}"),
    ]
    change = after.tokens / before.tokens - 1 if before.tokens else 0.0
    note = tag("p", f"{_signed(change)} tokens for the encoder; punctuation marks are tokens too.", class_="note")
    return join(_table(("", "raw", "cleaned"), rows, "WordPiece pieces before and after"), note)


# --- Rejects, files, settings --------------------------------------------------------------------------------------------


def _rejects(report: Report) -> Markup:
    summary = report.summary
    most = max(summary.rejects.values(), default=1)
    rows = [
        (join(tag("code", code), " ", tag("span", _REASONS.get(code, ""), class_="note")), charts.bar(n / most, "bad"), f"{n:,}")
        for code, n in ranked(summary.rejects)
    ]
    table = _table(("reason", "", "records"), rows, "Records that were rejected, by reason") if rows else None
    damaged = [
        tag("p", f"{name}: {reason}; what stands before that is in this report.", class_="warn")
        for name, reason in summary.damaged
    ]
    return tag("div", table, *damaged, class_="panel")


def _files(report: Report) -> Markup:
    found = sorted(report.figures.files.items(), key=lambda item: (item[0] == "", -item[1].edits, item[0]))
    most = max((counts.edits for _, counts in found), default=0) or 1
    rows = [
        (
            tag("bdi", name or "further files"),
            charts.bar(counts.edits / most, "main"),
            f"{counts.edits:,}",
            _percent(counts.changed / counts.records) if counts.records else "",
            f"{counts.records:,}",
            f"{counts.rejected:,}" if counts.rejected else "",
        )
        for name, counts in found[:_LISTED_FILES]
    ]
    heads = ("file", "", "changes", "changed", "records", "rejected")
    more = len(found) - _LISTED_FILES
    note = tag("p", f"and {counted(more, 'file')} with fewer changes", class_="note") if more > 0 else None
    return tag("div", _table(heads, rows, "Files, those with most changes first"), note, class_="panel")


def _how(report: Report) -> Markup:
    rows = [join(tag("dt", name), tag("dd", marked(value))) for name, value in report.settings.items()]
    forgotten = None
    if report.groups.forgotten:
        forgotten = tag(
            "p",
            f"{report.groups.forgotten:,} groups of little weight, with {report.groups.forgotten_changes:,} changes, were"
            " forgotten on the way; they are in the figures, but not in the lists.",
        )
    order = f"The lists are in the order of count × (1 − confidence); what is sure counts for at least {SURE:g} × log₁₀(count)."
    words = "Words that differ only by their case are one group, and so are tags that differ only by their attributes."
    return tag("details", tag("summary", "How this was made"), tag("dl", *rows), tag("p", order, " ", words), forgotten)
