"""The tables of docs/benchmarks.md, out of the results that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ablation

OWN = "project"
Row = dict[str, Any]

# Sets that are no independent measure: the tool ships the list that the set was made of, or was made with it.
_LISTS = ("project", "codespell", "typos")
NOT_INDEPENDENT: dict[str, tuple[str, ...]] = {
    "spelling_words_codespell.tsv": _LISTS,
    "spelling_words_typos.tsv": _LISTS,
    "spelling_words_wikipedia.tsv": _LISTS,
    "segmentation_test_suites.tsv": ("wordsegment", "instant-segment", "wordninja"),
    "unicode_ftfy.jsonl": ("project", "naive", "ftfy", "clean-text", "clean-text-defaults"),
}
CATEGORIES = {
    "technical": "technical",
    "technical_camel": "technical, inner capitals",
    "technical_in_dictionary": "technical, in dictionaries",
    "english": "English",
    "british": "British",
}
MARK = "°"
LEAST_FIXED = 0.05


def short(name: str) -> str:
    """The name of a set without its kind and ending."""
    stem = name.rpartition(".")[0]
    for start in ("spelling_words_", "spelling_context_", "segmentation_", "elongation_"):
        stem = stem.removeprefix(start)
    return stem.replace("_", " ")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    lines = ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)]) + "\n"


class Figures:
    """The results of all peers, as the tables ask for them."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        """``found``: what bench/results/accuracy.json holds."""
        self.rows: dict[str, Row] = {name: found["peers"][name] for name in found["order"] if name in found["peers"]}
        self.limit = int(found["limit"])

    def title(self, peer: str) -> str:
        """The name of a peer, with a star if it had fewer cases than the others."""
        return str(self.rows[peer]["title"]) + (" \\*" if self.rows[peer]["limit"] < self.limit else "")

    def plain(self, peer: str) -> str:
        """The name of a peer as a chart shows it."""
        title: str = self.rows[peer]["title"]
        return title.strip("*")

    def of(self, measure: str) -> dict[str, Any]:
        """Peer -> its figures in one measure, for those that have it."""
        return {name: row["measures"][measure] for name, row in self.rows.items() if measure in row["measures"]}

    def sets(self, start: str) -> list[str]:
        """The measures whose names start so."""
        return sorted({m for row in self.rows.values() for m in row["measures"] if m.startswith(start)})

    def correctors(self) -> list[str]:
        """The peers that correct words at all. One that changes nothing is harmless at no merit."""
        return [peer for peer, of in self.of("typos").items() if of["fixed"] > LEAST_FIXED * of["typos"]]

    def cases(self, measure: str) -> int:
        """How many cases most peers had."""
        return max((int(v.get("n") or v.get("damaged") or 0) for v in self.of(measure).values()), default=0)


def best(values: Mapping[str, float], lowest: bool = False) -> set[str]:
    """The peers with the best value."""
    top = (min if lowest else max)(values.values(), default=0.0)
    return {peer for peer, value in values.items() if value == top}


def cell(text: str, bold: bool, marked: bool = False) -> str:
    """A figure, bold if it is the best, marked if the set is no independent measure."""
    return (f"**{text}**" if bold else text) + (MARK if marked else "")


# --- Tables -------------------------------------------------------------------------------------------------------------


def side_by_side(figures: Figures) -> str:
    """Real typos and clean prose, accuracy beside harm."""
    columns: tuple[tuple[str, str, str, Callable[[float], str], bool], ...] = (
        ("recall", "typos", "recall", lambda v: f"{v:.3f}", False),
        ("precision", "typos", "precision", lambda v: f"{v:.3f}", False),
        ("F0.5", "typos", "f0.5", lambda v: f"{v:.3f}", False),
        ("false / 1,000", "typos", "false_per_1000_words", lambda v: f"{v:.2f}", True),
        ("clean prose: changed / 1,000", "harm", "changed_per_1000", lambda v: f"{v:.2f}", True),
        ("split / 1,000", "harm", "split_per_1000", lambda v: f"{v:.2f}", True),
        ("right / 1,000", "harm", "fixed_per_1000", lambda v: f"{v:.2f}", False),
    )
    peers = figures.correctors()
    rows = []
    for peer in peers:
        cells = [figures.title(peer)]
        for name, measure, key, shown, lowest in columns:
            values = {p: figures.of(measure)[p][key] for p in peers if p in figures.of(measure)}
            bold = name != "right / 1,000" and peer in best(values, lowest)
            cells.append(cell(shown(values[peer]), bold) if peer in values else "")
        rows.append(cells)
    return table(["", *(c[0] for c in columns)], rows)


def sets_table(figures: Figures, names: Sequence[str], least: int = 1) -> str:
    """Percentages right: a row a peer, a column a set; peers with fewer than ``least`` figures are left out."""
    rows = []
    for peer in figures.rows:
        values = {n: {p: v["right"] for p, v in figures.of(n).items()} for n in names}
        if sum(peer in v for v in values.values()) < least:
            continue
        cells = [figures.title(peer)]
        for n in names:
            marked = peer in NOT_INDEPENDENT.get(n, ())
            cells.append(cell(f"{values[n][peer]:.1f}", peer in best(values[n]), marked) if peer in values[n] else "")
        rows.append(cells)
    return table(["", *(f"{short(n)} ({figures.cases(n)})" for n in names)], rows)


def gate_table(figures: Figures) -> str:
    """Splitters let loose on text: what they find and what they leave whole."""
    found = figures.of("gate")
    right = {p: v["runons right"] for p, v in found.items()}
    whole = {c: {p: v["whole"].get(c, 0.0) for p, v in found.items()} for c in CATEGORIES}
    rows = [
        [figures.title(p), cell(f"{right[p]:.1f}", p in best(right))]
        + [cell(f"{whole[c][p]:.1f}", p in best(whole[c])) for c in CATEGORIES]
        for p in found
    ]
    return table(["", "run-together words split right", *(f"left as it is: {c}" for c in CATEGORIES.values())], rows)


def context_table(figures: Figures) -> str:
    """Damaged tokens fixed and right tokens harmed, in running text."""
    names = figures.sets("spelling_context")
    rows = []
    for peer in figures.rows:
        values = [figures.of(n).get(peer) for n in names]
        if not any(v and v["fixed"] for v in values):
            continue
        rows.append([figures.title(peer), *(f"{v['fixed']:.1f} / {v['harmed']:.2f}" if v else "" for v in values)])
    return table(["fixed % / harmed %", *(f"{short(n)} ({figures.cases(n)})" for n in names)], rows)


def clean_table(figures: Figures) -> str:
    """Right words that were changed or split, by category."""
    found = {p: v for p, v in figures.of("clean_words.tsv").items() if p in figures.correctors()}
    sizes = max(found.values(), key=lambda of: sum(c["n"] for c in of.values()))
    changed = {c: {p: v[c]["changed"] for p, v in found.items() if c in v} for c in CATEGORIES}
    rows = []
    for peer, of in found.items():
        cells = [figures.title(peer)]
        for c in CATEGORIES:
            text = f"{of[c]['changed']:.1f} / {of[c]['split']:.1f}" if c in of else ""
            cells.append(cell(text, peer in best(changed[c], True)))
        rows.append(cells)
    return table(["changed % / split %", *(f"{title} ({sizes[c]['n']})" for c, title in CATEGORIES.items())], rows)


def ablation_table(found: Mapping[str, Any]) -> str:
    """What is lost without each source of evidence."""
    rows = []
    for name in ablation.VARIANTS:
        if name not in found["variants"]:
            continue
        row = found["variants"][name]
        m = row["measures"]
        clean = m["clean_words.tsv"].values()
        changed = sum(c["changed"] * c["n"] for c in clean) / sum(c["n"] for c in clean)
        cells = [row["title"]]
        cells += [f"{m['typos'][key]:.3f}" for key in ("recall", "precision", "f0.5")]
        cells += [f"{m['typos']['false_per_1000_words']:.2f}", f"{m['harm']['changed_per_1000']:.2f}", f"{changed:.2f}"]
        cells += [f"{m[f'spelling_words_{n}.tsv']['right']:.1f}" for n in ablation.WORD_SETS]
        for n in ablation.CONTEXT_SETS:
            of = m[f"spelling_context_{n}.jsonl"]
            cells.append(f"{of['fixed']:.1f} / {of['harmed']:.2f}")
        rows.append(cells)
    header = ["", "recall", "precision", "F0.5", "false / 1,000", "prose changed / 1,000", "clean words changed %"]
    return table([*header, *ablation.WORD_SETS, *(n.replace("_", " ") for n in ablation.CONTEXT_SETS)], rows)


def weaker(figures: Figures) -> str:
    """Every measure in which some peer is ahead of the project, with both figures: nobody has to look for them."""
    lines = []
    correctors = figures.correctors()

    def compare(name: str, values: Mapping[str, float], lowest: bool = False, unit: str = "", note: str = "") -> None:
        full = {p: v for p, v in values.items() if figures.rows[p]["limit"] >= figures.limit}
        first = best(full, lowest)
        if OWN in full and OWN not in first:
            peer = min(first, key=list(full).index)
            lines.append(f"- {name}: {full[OWN]:g}{unit}; {figures.plain(peer)} {full[peer]:g}{unit}{note}")

    of = figures.of

    def mine(measure: str) -> dict[str, Any]:
        return {p: v for p, v in of(measure).items() if p in correctors}

    for key, name, lowest in (
        ("recall", "recall", False),
        ("precision", "precision", False),
        ("f0.5", "F0.5", False),
        ("false_per_1000_words", "false changes per 1,000", True),
    ):
        compare(f"real typos, {name}", {p: of("typos")[p][key] for p in correctors}, lowest)
    for key, name in (("changed_per_1000", "changed"), ("split_per_1000", "split")):
        compare(f"clean prose, words {name} per 1,000", {p: v[key] for p, v in mine("harm").items()}, True)
    for c, title in CATEGORIES.items():
        compare(
            f"right words changed, {title}",
            {p: v[c]["changed"] for p, v in mine("clean_words.tsv").items() if c in v},
            True,
            " %",
        )
    for n in figures.sets("spelling_context"):
        compare(f"running text, {short(n)}, fixed", {p: v["fixed"] for p, v in mine(n).items()}, False, " %")
        compare(f"running text, {short(n)}, harmed", {p: v["harmed"] for p, v in mine(n).items()}, True, " %")
    for start, title in (
        ("spelling_words", "single words"),
        ("segmentation", "run-together words"),
        ("elongation", "elongated words"),
        ("unicode", ""),
        ("html", ""),
    ):
        for n in figures.sets(start):
            values = {p: v["right"] for p, v in of(n).items()}
            note = " (no independent measure)" if n in NOT_INDEPENDENT else ""
            compare(f"{title}, {short(n)}".removeprefix(", "), values, False, " %", note)
    compare("gate, run-together words split right", {p: v["runons right"] for p, v in of("gate").items()}, False, " %")
    return "\n".join(lines) + "\n" if lines else "In no measure on this page.\n"


def setups(figures: Figures) -> str:
    """How each peer was set up."""
    rows = []
    for peer, row in figures.rows.items():
        share = "" if row["limit"] >= figures.limit else f"; at most {row['limit']} cases of a set, for it is slow"
        rows.append([figures.title(peer), row["version"], row["date"], row["how"] + share])
    lines = ["| | version | measured | set up |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)]) + "\n"
