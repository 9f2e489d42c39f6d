"""What the lexicon is made of: size, load time and memory of every file, and what every source contributes.

    python bench/lexicon_report.py ../shared --cspell CSPELL_FOLDER -o docs/lexicon-report.md

Reads the sources as ``data/build_lexicon.py`` does (CSPELL_FOLDER and ``--scowl`` are what that was given) and compares them with
the files as they are shipped; nothing is built anew. A source is measured twice: *last*, without the words that only it has, and
*alone*, with no other source of words. Each time a process of its own cleans the real typos, prose and clean words of SHARED.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.resources
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import results
from ablation import everywhere
from score import Scorers, System
from tables import table

sys.path.append(str(results.ROOT / "data"))
build_lexicon: Any = importlib.import_module("build_lexicon")

#: What a file says, by its name; others are counted in lines.
READERS = {
    "english.tsv": "read_bands",
    "seen.tsv": "read_bands",
    "vmware.tsv": "read_terms",
    "misspellings.tsv": "read_pairs",
}
#: What reads the files of several entries a line into memory.
LOADERS = {"pairs.tsv": "sources.documentation_pairs()", "letters.tsv": "sources.letter_gains()", "slips.tsv": "channel._slips()"}
#: The peak of the process' own memory in MiB. (The one of ``getrusage`` counts that of the process that started it.)
PEAK = """
def peak():
    try:
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))
    except OSError:
        return 0.0
"""


# --- Files --------------------------------------------------------------------------------------------------------------


def entries(path: Path) -> int:
    """How many entries a file of the lexicon has: words, terms, pairs."""
    from vnlp_prep.lexicon import files

    if path.name in READERS:
        return len(getattr(files, READERS[path.name])(path))
    rows = [line for line in path.read_text(encoding="utf-8").split("\n") if line and line[0] != "#"]
    columns = {"pairs.tsv": 1, "letters.tsv": 1, "slips.tsv": 2}  # before the entries of a line
    return sum(row.count("\t") + 1 - columns[path.name] for row in rows) if path.name in columns else len(rows)


def cost_of(code: str, prepare: str = "pass") -> tuple[float, float]:
    """Seconds and MiB of peak memory that a statement needs in a fresh process, after ``prepare``; memory on Linux only."""
    program = (
        f"import time\n{PEAK}\n{prepare}\nm, t = peak(), time.perf_counter()\n{code}\nprint(time.perf_counter() - t, peak() - m)"
    )
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=results.ROOT)
        runs.append(tuple(map(float, done.stdout.split())))
    seconds, memory = min(runs)
    return seconds, memory


def files_table(folder: Path) -> list[dict[str, Any]]:
    """Every file with its size and what reading it costs."""
    out = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py" or path.name.startswith(("_", ".")):
            continue
        read = READERS.get(path.name, "read_text") if path.suffix == ".tsv" else ""
        code = (
            f"x = files.{read}(Path('data/lexicon/{path.name}'))"
            if read
            else f"x = Path('data/lexicon/{path.name}').read_bytes()"
        )
        code += ".split('\\n')" if read == "read_text" else ""
        code = LOADERS.get(path.name, code)
        seconds, memory = cost_of(code, "from pathlib import Path\nfrom vnlp_prep.lexicon import channel, files, sources")
        count = entries(path) if path.suffix == ".tsv" else 0
        out.append({"file": path.name, "entries": count, "bytes": path.stat().st_size, "ms": 1000 * seconds, "MiB": memory})
    return out


def whole_costs() -> dict[str, tuple[float, float]]:
    """What the lexicon costs a process, in the order in which one pays for it."""
    known = "'the' in Lexicon.shipped()"
    start = "from vnlp_prep.lexicon import Lexicon"
    correct = "from vnlp_prep import Preprocessor\np = Preprocessor()"
    return {
        "known words (a text without an unknown word)": cost_of(known, start),
        "first correction (index from the cache, and all code)": cost_of("p('Teh configuraton of tupe')", correct),
    }


# --- Sources ------------------------------------------------------------------------------------------------------------


def word_sources(scowl: Path, cspell: Path) -> dict[str, set[str]]:
    """The words of every source of ``english.tsv``, in lower case."""
    import wordfreq

    symspell = (importlib.resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text(encoding="utf-8-sig")
    technical = build_lexicon.cspell_words(cspell)
    return {
        "SCOWL": build_lexicon.lower(build_lexicon.scowl_words(scowl, build_lexicon.SCOWL_MAX_SIZE)),
        "symspellpy": build_lexicon.lower(line.split(" ")[0] for line in symspell.split("\n") if line),
        "cspell": {w for words in technical.values() for w in build_lexicon.lower(words)},
        "wordfreq": build_lexicon.lower(wordfreq.get_frequency_dict("en", wordlist="large")),
    }


def misspelling_sources(cspell: Path) -> dict[str, set[str]]:
    """The misspellings of every source of ``misspellings.tsv``."""
    return {
        "codespell": {wrong for wrong, _ in build_lexicon.codespell_entries()},
        "cspell (typos, Wikipedia and others)": {wrong for wrong, _ in build_lexicon.cspell_entries(cspell)},
    }


def only(name: str, sources: Mapping[str, set[str]], among: Iterable[str]) -> set[str]:
    """What one source has of ``among``, and no other."""
    others = set().union(*(words for other, words in sources.items() if other != name))
    return (set(among) & sources[name]) - others


# --- Measuring ----------------------------------------------------------------------------------------------------------


def measure(shared: Path, dropped: Mapping[str, list[str]], limit: int) -> dict[str, Any]:
    """Typos, prose and clean words with entries taken away (all of a table: ``*``), in this process."""
    from vnlp_prep.lexicon import sources

    for name, words in dropped.items():
        gone = set(words)
        if name == "vmware":
            everywhere("lexicon.sources", "domain_terms", list)
        elif name == "pairs":
            everywhere("lexicon.sources", "documentation_pairs", dict)
        else:
            full: dict[str, Any] = getattr(sources, name)()
            left = {} if "*" in gone else {w: v for w, v in full.items() if w not in gone}
            everywhere("lexicon.sources", name, lambda left=left: left)
    scorers = Scorers(shared)
    made: dict[str, System] = {}

    def built(kind: str) -> System:
        if kind not in made:
            made[kind] = scorers.make("project") if kind == "text" else scorers.speller("project")
        return made[kind]

    return {n: scorers.measure(n, built, limit, capped=False) for n in ("typos", "harm", "clean_words.tsv")}


def measured(shared: Path, dropped: Mapping[str, Iterable[str]], limit: int) -> dict[str, Any]:
    """The same in a process of its own, with an index of its own."""
    with tempfile.TemporaryDirectory() as cache:
        request = Path(cache) / "dropped.json"
        request.write_text(json.dumps({name: sorted(words) for name, words in dropped.items()}), encoding="utf-8")
        command = [sys.executable, __file__, str(shared), "--limit", str(limit), "--measure", str(request)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "VNLP_PREP_CACHE": cache}, check=True
        )
    return dict(json.loads(done.stdout))


def figures(found: Mapping[str, Any]) -> list[str]:
    """The cells of one measured row."""
    clean = found["clean_words.tsv"]

    def changed(*kinds: str) -> float:
        return float(sum(clean[k]["changed"] * clean[k]["n"] for k in kinds) / sum(clean[k]["n"] for k in kinds))

    typos = found["typos"]
    return [
        f"{typos['recall']:.3f}",
        f"{typos['precision']:.3f}",
        f"{typos['false_per_1000_words']:.2f}",
        f"{found['harm']['changed_per_1000']:.2f}",
        f"{changed('technical', 'technical_camel'):.1f}",
        f"{changed('english', 'british'):.1f}",
    ]


# --- The report ---------------------------------------------------------------------------------------------------------

PAGE = """# What the lexicon is made of

<!-- Written by bench/lexicon_report.py; change that, not this page. -->

Sources, licences and how the files are built: [data/README.md](../data/README.md). What they are for: [the lexicon](lexicon.md).
Measured on {date}: {machine}.

    python bench/lexicon_report.py ../shared --cspell CSPELL_FOLDER -o docs/lexicon-report.md

## Files

{files}
Time is that of reading the file into memory, best of three fresh processes; memory is what the peak of the process grows by.
That is paid once on a machine, when the tables are compiled ([the cache](lexicon.md#the-cache)). A process maps them; most of
the memory that it shows then is shared with all others:

{costs}
Neighbouring words need wordsegment's list of pairs as well, which comes with that package and is compiled too. The candidate
index takes {index} of cache, once for all processes ([the lexicon](lexicon.md#the-candidate-index)).

## Sources of words

How many words of `english.tsv` each source has, and how many only it has. The counts come from wordfreq, and from wordsegment's
list for words that wordfreq lacks.

{words}
"Last": everything but the words that only this source has. "Alone": this source and no other (VMware's terms, misspellings and
all counts stay). The columns: recall, precision and false changes per 1,000 words on real typos; words changed per 1,000 of
clean prose; technical and English words changed, in %.

{effects}
The English words of the last column are SCOWL's and the technical ones cspell's, so that these two look better than they are; the
columns before are the ones to go by. Real typos and clean prose are VMware documentation.

## Other tables

{tables}
{misspellings}
"""


def report(found: Mapping[str, Any]) -> str:
    """The page out of what was measured."""
    header = ["", "recall", "precision", "false / 1,000", "prose changed / 1,000", "technical changed %", "English changed %"]

    def size(f: Mapping[str, Any]) -> list[str]:
        entries = f"{f['entries']:,}" if f["entries"] else ""
        return [f"`{f['file']}`", entries, f"{f['bytes']:,}", f"{f['ms']:.0f} ms", f"{f['MiB']:.0f} MiB"]

    def counts(of: Mapping[str, Any]) -> list[list[str]]:
        return [[name, f"{n['all']:,}", f"{n['only']:,}"] for name, n in of.items()]

    def rows(of: Mapping[str, Any]) -> list[list[str]]:
        return [[name, *figures(measures)] for name, measures in of.items()]

    costs = [[name, f"{1000 * seconds:.0f} ms", f"{memory:.0f} MiB"] for name, (seconds, memory) in found["costs"].items()]
    return PAGE.format(
        date=found["date"],
        machine=found["machine"],
        index=f"{found['index']:.0f} MiB",
        files=table(["file", "entries", "bytes", "time", "memory"], map(size, found["files"])),
        costs=table(["", "time", "memory"], costs),
        words=table(["source", "words", "only here"], counts(found["words"])),
        effects=table(header, rows(found["effects"])),
        tables=table(header, rows(found["tables"])),
        misspellings=table(["misspellings from", "entries", "only here"], counts(found["misspellings"])),
    )


def run(shared: Path, scowl: Path, cspell: Path, limit: int) -> dict[str, Any]:
    """Measure everything."""
    from vnlp_prep.lexicon import files

    folder = results.ROOT / "data" / "lexicon"
    english = files.read_bands(folder / "english.tsv").keys()
    sources, listed = word_sources(scowl, cspell), misspelling_sources(cspell)
    wrong = files.read_pairs(folder / "misspellings.tsv").keys()
    everything = measured(shared, {}, limit)
    effects = {"all sources": everything}
    for name, words in sources.items():
        effects[f"{name} last"] = measured(shared, {"english": only(name, sources, english)}, limit)
        effects[f"{name} alone"] = measured(shared, {"english": english - words}, limit)
        print(f"{name} measured", file=sys.stderr)
    drops: dict[str, Mapping[str, Iterable[str]]] = {
        "without `vmware.tsv`": {"vmware": ()}, "without `pairs.tsv`": {"pairs": ()}, "without `seen.tsv`": {"seen": "*"},
        "without `misspellings.tsv`": {"misspellings": "*"},
    }  # fmt: skip
    for name in listed:
        drops[f"without {name}'s misspellings that no other list has"] = {"misspellings": only(name, listed, wrong)}
    tables = {"all": everything, **{name: measured(shared, dropped, limit) for name, dropped in drops.items()}}

    def counts(of: Mapping[str, set[str]], among: Iterable[str], count: Callable[..., set[str]] = only) -> dict[str, Any]:
        return {n: {"all": len(set(among) & words), "only": len(count(n, of, among))} for n, words in of.items()}

    return {
        "date": results.today(), "machine": results.machine(), "files": files_table(folder), "costs": whole_costs(),
        "index": index_size(), "words": counts(sources, english), "misspellings": counts(listed, wrong),
        "effects": effects, "tables": tables,
    }  # fmt: skip


def index_size() -> float:
    """MiB of the candidate index of the shipped lexicon, in a cache of its own."""
    with tempfile.TemporaryDirectory() as cache:
        code = "from vnlp_prep import suggest\nsuggest('recieve')"
        environment = {**os.environ, "VNLP_PREP_CACHE": cache}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=results.ROOT)
        return float(sum(p.stat().st_size for p in Path(cache).rglob("*.idx")) / 2**20)


def main() -> None:
    """Measure and write the page; with ``--page`` only write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?")
    parser.add_argument("--scowl", type=Path, default=Path("/usr/share/dict/scowl"))
    parser.add_argument("--cspell", type=Path, help="folder with the npm archives")
    parser.add_argument("--limit", type=int, default=1500, help="a third of it are paragraphs of clean prose")
    parser.add_argument("--page", action="store_true", help="write the page from the results that are there")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path, default=results.ROOT / "docs" / "lexicon-report.md")
    args = parser.parse_args()
    if args.measure:
        dropped = json.loads(args.measure.read_text(encoding="utf-8"))
        json.dump(measure(args.shared, dropped, args.limit), sys.stdout)
        return
    if not args.page:
        if args.shared is None or args.cspell is None:
            parser.error("SHARED and --cspell are needed to measure; to write the page alone, say --page")
        started = time.perf_counter()
        results.save("lexicon", run(args.shared, args.scowl, args.cspell, args.limit))
        print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    found = results.load("lexicon")
    if not found:
        raise SystemExit("no results yet: run it with SHARED and --cspell first")
    args.output.write_text(report(found), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
