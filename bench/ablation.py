"""What each source of evidence contributes: the measures again with one of them taken away.

    python bench/ablation.py ../shared --limit 600

Every variant runs in a process of its own: it switches one thing off in ``vnlp_prep`` as it stands (its weights are not fitted
anew, so a figure is what the running system owes to the evidence, not what a system without it could reach), then measures.
The results are kept in bench/results/ablation.json; ``bench/accuracy.py`` runs this too and shows them in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import results
from score import Scorers, System

WORD_SETS = ("aspell", "toefl")
CONTEXT_SETS = ("jfleg", "wiki_realistic")
STAGES = ("html", "unicode", "repeats", "compounds", "spelling")


class Variant(NamedTuple):
    """One row: what is taken away, and how (None: nothing, or whole stages)."""

    title: str
    take_away: Callable[[], bool] | None = None
    stages: tuple[str, ...] = STAGES


# --- Switching off ------------------------------------------------------------------------------------------------------


def modules() -> list[Any]:
    """All modules of the package but its entry points."""
    package = importlib.import_module("vnlp_prep")
    names = [m.name for m in pkgutil.walk_packages(package.__path__, "vnlp_prep.") if not m.name.startswith("vnlp_prep.data")]
    return [importlib.import_module(n) for n in names if not n.endswith("__main__")]


def everywhere(module: str, name: str, new: Any) -> bool:
    """Put ``new`` in the place of ``module.name`` in every module that uses it; False if there is no such thing."""
    loaded = modules()
    home = next((m for m in loaded if m.__name__ == f"vnlp_prep.{module}"), None)
    old = getattr(home, name, None)
    if old is None:
        return False
    for m in loaded:
        for attribute in [a for a, value in vars(m).items() if value is old]:
            setattr(m, attribute, new)
    return True


def everything(*parts: tuple[str, str, Any]) -> Callable[[], bool]:
    """Switch off all of the parts that there are; tells whether there was one."""
    return lambda: sum(everywhere(*part) for part in parts) > 0  # not any(), which would stop at the first


def weights(*starts: str) -> Callable[[], bool]:
    """Let the features whose names start so weigh nothing, in every table of weights that has them."""

    def take_away() -> bool:
        correction = importlib.import_module("vnlp_prep.lexicon.correction")
        found = 0
        for table in [name for name in vars(correction) if name.endswith("FEATURES")]:
            of = table.removesuffix("FEATURES") + "WEIGHTS"
            gone = [name.startswith(starts) for name in getattr(correction, table)]
            left = tuple(0.0 if g else v for g, v in zip(gone, getattr(correction, of), strict=True))
            found += any(gone) and everywhere("lexicon.correction", of, left)
        return found > 0

    return take_away


def no_neighbours() -> bool:
    """No word stands beside another."""
    context = importlib.import_module("vnlp_prep.lexicon.context")
    nobody = context.Neighbours(*(None for _ in context.Neighbours._fields))
    return everywhere("lexicon.context", "neighbours", lambda *_, **__: nobody)


def no_name_evidence() -> bool:
    """Nothing looks like the name of a person or a program."""
    nothing = lambda *_, **__: False  # noqa: E731
    return everything(*(("lexicon.names", name, nothing) for name in ("follows_title", "in_name", "is_built")))()


def uniform_slips() -> bool:
    """Every slip costs the same: what common ones cost on average."""
    from rapidfuzz.distance import OSA

    channel = importlib.import_module("vnlp_prep.lexicon.channel")
    slips = ("teh the", "recieve receive", "adress address", "hostt host", "servar server", "clent client")
    average = sum(channel.cost(*slip.split()) for slip in slips) / len(slips)
    return everywhere("lexicon.channel", "cost", lambda wrong, right, *_: average * OSA.distance(wrong, right))


def stages_without(*names: str) -> tuple[str, ...]:
    """The stages of the chain but these."""
    return tuple(s for s in STAGES if s not in names)


VARIANTS = {
    "all": Variant("all evidence"),
    "misspellings": Variant("without the list of known misspellings", everything(("lexicon.sources", "misspellings", dict))),
    "pairs": Variant("without pairs counted in documentation", everything(("lexicon.sources", "documentation_pairs", dict))),
    "neighbours": Variant("without any neighbouring words", no_neighbours),
    "vmware": Variant("without VMware's terms", everything(("lexicon.sources", "domain_terms", list))),
    "seen": Variant("without words that are only seen", everything(("lexicon.sources", "seen", dict))),
    "morphology": Variant(
        "without regular forms of known words",
        everything(
            ("lexicon.morphology", "is_regular_form", lambda *_, **__: False),
            ("lexicon.morphology", "stems", lambda *_: iter(())),
            ("lexicon.morphology", "variants", lambda *_: iter(())),
        ),
    ),
    "names": Variant("without evidence of names", no_name_evidence),
    "channel": Variant("all slips cost the same", uniform_slips),
    "sounds": Variant("without what sounds alike", everything(("lexicon.sounds", "sound_key", lambda _word: ""))),
    "letters": Variant("without the wordness of letters", weights("letters")),
    "around": Variant("without the text around (mentioned, repeated, mistakes)", weights("mentioned", "repeated", "noise")),
    "shape": Variant("without length, capital and hyphen", weights("length", "capital", "hyphenated", "daemon")),
    "no compounds": Variant("without the stage compounds", None, stages_without("compounds")),
    "no spelling": Variant("without the stage spelling", None, stages_without("spelling")),
    "no text": Variant("without the stages html, unicode, repeats", None, ("compounds", "spelling")),
}


# --- Measuring ----------------------------------------------------------------------------------------------------------


def measure(shared: Path, variant: Variant, limit: int) -> dict[str, Any] | None:
    """The measures of one variant, in this process; None if there is nothing to take away."""
    if variant.take_away is not None and not variant.take_away():
        return None
    scorers = Scorers(shared)
    made: dict[str, System] = {}

    def built(kind: str) -> System:
        if kind not in made:
            make = {"text": lambda: scorers.make("project", variant.stages), "word": lambda: scorers.speller("project")}
            made[kind] = make[kind]()
        return made[kind]

    names = ["typos", "harm", "clean_words.tsv"]
    names += [f"spelling_words_{n}.tsv" for n in WORD_SETS] + [f"spelling_context_{n}.jsonl" for n in CONTEXT_SETS]
    return {name: scorers.measure(name, built, limit, capped=False) for name in names}


def run(shared: Path, limit: int = 600, only: str = "") -> None:
    """Measure all variants, each in its own process with a cache folder of its own; keep the results."""
    found = results.load("ablation")
    rows = found.setdefault("variants", {})
    for name in only.split(",") if only else VARIANTS:
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, __file__, str(shared), "--limit", str(limit), "--variant", name]
            environment = {**os.environ, "VNLP_PREP_CACHE": cache}
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        measures = json.loads(done.stdout) if done.returncode == 0 else None
        if measures is None:
            print(f"ablation: {name}: nothing measured\n{done.stderr[-2000:]}", file=sys.stderr)
            rows.pop(name, None)
        else:
            rows[name] = {"title": VARIANTS[name].title, "measures": measures}
            print(f"ablation: {name}", file=sys.stderr)
    for name in rows.keys() - VARIANTS.keys():
        del rows[name]
    found.update(date=results.today(), limit=limit)
    results.save("ablation", found)


def main() -> None:
    """Measure all variants, or print one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--only", default="", help=f"variants, separated by commas: {', '.join(VARIANTS)}")
    parser.add_argument("--variant", choices=VARIANTS, help="measure this one in this process and print it as JSON")
    args = parser.parse_args()
    if args.variant:
        json.dump(measure(args.shared, VARIANTS[args.variant], args.limit), sys.stdout)
    else:
        run(args.shared, args.limit, args.only)


if __name__ == "__main__":
    main()
