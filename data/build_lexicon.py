"""Build the shipped lexicon (data/lexicon/*.tsv) out of its declared sources; see data/README.md for their licences.

    pip install wordfreq==3.1.1 symspellpy wordsegment codespell
    apt-get install scowl
    npm pack @cspell/dict-software-terms ...        # into CSPELL_FOLDER
    python data/build_lexicon.py --cspell CSPELL_FOLDER --corpus DOCS.jsonl.gz

What comes out, and why there are seven files:

english.tsv       words that a dictionary has, or that are frequent and no likely misspelling: never touched
seen.tsv          words that people write, but that may be misspellings: a count as evidence, no protection
vmware.tsv        terms of the domain, counted in its documentation
pairs.tsv         which words stand next to each other in that documentation
names.tsv         names of people that are nothing else
foreign.tsv       words that tell other languages from English
misspellings.tsv  known misspellings and what they stand for
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import importlib.resources
import json
import math
import re
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
PUNCTUATION = "\"'*_()[]{},.;:!?|>“”‘’"
TERM = re.compile(r"[A-Za-z]+")
# A word that is in no dictionary counts as a likely misspelling when a dictionary word is one slip away and at least this
# many times as frequent. The factor is generous: being wrong costs a suggestion, not a change.
MISSPELLING_RATIO = 30
# The same for two words without their space ("ofthe"): so much more frequent as two words.
RUN_TOGETHER_RATIO = 300
# Terms must be attested by several authors or on many pages, or one page's slip becomes a term.
MIN_PAIRS = 4
MIN_DOCUMENTS, MIN_REPOSITORIES, MANY_DOCUMENTS = 5, 2, 10

FOREIGN = ("de", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "pl", "fi", "cs", "ro", "hu", "sl", "fil")
FOREIGN_WORDS = 1500  # of each language: the head of its list, where function words are

SCOWL_LISTS = (
    "english", "american", "british", "british_z", "canadian", "australian",
    "variant_1", "british_variant_1", "canadian_variant_1", "australian_variant_1",
)  # fmt: skip
SCOWL_KINDS = ("words", "upper", "proper-names", "contractions", "abbreviations")
SCOWL_DEBATABLE_SIZE = 80  # "huge"
SCOWL_MAX_SIZE = 70  # "large"; beyond it come words that are typos far more often than themselves


def scowl_words(folder: Path, size_limit: int) -> set[str]:
    """Words of SCOWL up to a size, in their case."""
    out: set[str] = set()
    for path in folder.iterdir():
        name, _, size = path.name.rpartition(".")
        listing, _, kind = name.partition("-")
        if listing in SCOWL_LISTS and kind in SCOWL_KINDS and int(size) <= size_limit:
            out.update(path.read_text(encoding="latin-1").split("\n"))
    return {w[:-2] if w.endswith("'s") else w for w in out if w}


def cspell_words(folder: Path) -> dict[str, set[str]]:
    """Words of every cspell dictionary in ``folder`` (npm archives), by dictionary, in their case."""
    out: dict[str, set[str]] = {}
    for path in sorted(folder.glob("cspell-dict-*.tgz")):
        name = re.sub(r"cspell-dict-|-[\d.]+\.tgz", "", path.name)
        if name in {"en-common-misspellings", "en_us", "lorem-ipsum", "people-names"}:
            continue
        words = out.setdefault(name, set())
        with tarfile.open(path) as archive:
            for member in archive:
                if not re.search(r"\.txt(\.gz)?$", member.name) or "README" in member.name or "alternative" in member.name:
                    continue
                data = archive.extractfile(member).read()  # type: ignore[union-attr]
                text = (gzip.decompress(data) if member.name.endswith(".gz") else data).decode("utf-8")
                for line in text.split("\n"):
                    line = line.split("#")[0].strip()
                    if line and line[0] not in "!~":
                        words.update(TERM.findall(line.strip("*+")))
    return out


def people(folder: Path) -> set[str]:
    """Given names and surnames of cspell's list, in lower case."""
    (path,) = folder.glob("cspell-dict-people-names-*.tgz")
    with tarfile.open(path) as archive:
        text = archive.extractfile("package/dict/people-names.txt").read().decode("utf-8")  # type: ignore[union-attr]
    return {line.strip().lower() for line in text.split("\n") if re.fullmatch(r"[A-Z][a-z]{2,}", line.strip())}


def codespell_entries() -> Iterator[tuple[str, list[str]]]:
    """Misspellings and their corrections out of codespell's table, without its remarks."""
    text = (importlib.resources.files("codespell_lib") / "data/dictionary.txt").read_text(encoding="utf-8")
    for line in text.split("\n"):
        wrong, _, right = line.partition("->")
        # A trailing comma starts a remark ("disabled because ..."); without one the line is one correction.
        yield wrong, right.split(",")[:-1] if "," in right else [right]


def cspell_entries(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Misspellings and their corrections out of cspell's collection of typos' and Wikipedia's lists."""
    (path,) = folder.glob("cspell-dict-en-common-misspellings-*.tgz")
    with tarfile.open(path) as archive:
        lists = json.load(archive.extractfile("package/dict/dict-en.json"))["dictionaryDefinitions"]  # type: ignore[arg-type]
    for words in lists:
        for entry in words["flagWords"] + words["suggestWords"]:
            wrong, _, right = entry.partition("->")
            yield wrong, right.split(",")


def misspellings(folder: Path) -> dict[str, str]:
    """Known misspellings in lower case with their corrections, best first and separated by ``|``.

    Codespell's table without its remarks, then what cspell's collection (of typos' and Wikipedia's lists) has beyond it.
    """
    out: dict[str, str] = {}
    for entries in (codespell_entries(), cspell_entries(folder)):
        for wrong, options in entries:
            options = [w.strip() for w in options]
            if re.fullmatch(r"[a-z]+", wrong) and all(re.fullmatch(r"[A-Za-z' -]+", w) for w in options):
                out.setdefault(wrong, "|".join(options))
    return out


def documents_of(path: Path, without_half: int | None) -> Iterator[dict[str, str]]:
    """Documents of the corpus; without those of one half of the repositories (by SHA-1 of the name), if asked."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            if half(document["repo"]) != without_half:
                yield document


def half(repository: str) -> int:
    """0 or 1, the same for a repository wherever it is asked: what is fitted on one half is measured on the other."""
    return int(hashlib.sha1(repository.encode()).hexdigest(), 16) % 2


def corpus_counts(corpus: Iterable[dict[str, str]]) -> dict[str, tuple[collections.Counter[str], int, int]]:
    """Lower-cased word -> (spellings with counts, documents, repositories) in the prose of the documents."""
    spellings: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    documents: collections.Counter[str] = collections.Counter()
    repositories: dict[str, set[str]] = collections.defaultdict(set)
    for d in corpus:
        found = collections.Counter(prose_words(d["text"]))
        for word, n in found.items():
            spellings[word.lower()][word] += n
        for word in {w.lower() for w in found}:
            documents[word] += 1
            repositories[word].add(d["repo"])
    return {w: (spellings[w], documents[w], len(repositories[w])) for w in spellings}


def prose_words(text: str) -> Iterator[str]:
    """Words that stand between white space and punctuation, outside code, markup and addresses."""
    for token in without_code(text).split():
        core = token.strip(PUNCTUATION)
        if core.endswith(("'s", "’s")):
            core = core[:-2]
        if TERM.fullmatch(core):
            yield core


def without_code(text: str) -> str:
    """The text with a space in the place of code, markup, templates and addresses."""
    text = re.sub(r"(?ms)^(```|~~~).*?^\1|<!--.*?-->|<(pre|code)\b.*?</\2>|``.*?``|`[^`\n]*`|\{\{.*?\}\}|\{%.*?%\}", " ", text)
    return re.sub(r"\]\([^)]*\)|https?:\S+|<[^>]{0,300}>|&#?\w+;", " ", text)


def near(word: str) -> Iterator[str]:
    """Every string one slip (deletion, swap, replacement, insertion) away from ``word``."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        if tail:
            yield head + tail[1:]
            for c in letters:
                yield head + c + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for c in letters:
            yield head + c + tail


def corpus_pairs(corpus: Iterable[dict[str, str]]) -> dict[str, dict[str, int]]:
    """First word -> second word -> count, of neighbours in the prose of at least MIN_REPOSITORIES repositories."""
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    repositories: dict[tuple[str, str], set[str]] = collections.defaultdict(set)
    for d in corpus:
        previous = None
        for token in without_code(d["text"]).split():
            core = token.strip(PUNCTUATION)
            word = core.lower() if TERM.fullmatch(core) else None
            if previous and word and token[0] not in "([":
                counts[previous, word] += 1
                repositories[previous, word].add(d["repo"])
            previous = word if token[-1] not in ".,;:!?)|" else None
    out: dict[str, dict[str, int]] = collections.defaultdict(dict)
    for (first, second), n in counts.items():
        if n >= MIN_PAIRS and len(repositories[first, second]) >= MIN_REPOSITORIES:
            out[first][second] = n
    return out


def foreign_words(frequency: dict[str, float]) -> set[str]:
    """Frequent words of the neighbouring languages that are rare in English: they tell that a line is not English."""
    import wordfreq

    out: set[str] = set()
    for language in FOREIGN:
        for word in wordfreq.top_n_list(language, FOREIGN_WORDS, wordlist="small"):
            own = wordfreq.word_frequency(word, language, wordlist="small")
            if len(word) > 1 and word.isalpha() and own > 20 * frequency.get(word, 0.0) and frequency.get(word, 0.0) < 2e-4:
                out.add(word)
    return out


def zipf(frequency: float) -> int:
    """Frequency (share of all words) -> hundredths of the Zipf scale: 100 x log10(occurrences per billion words)."""
    return max(1, round(100 * math.log10(frequency * 1e9)))


def write_bands(path: Path, words: dict[str, int], header: str) -> None:
    """Write ``words`` grouped by count, most frequent first: count TAB words separated by spaces."""
    bands: dict[int, list[str]] = collections.defaultdict(list)
    for word, value in words.items():
        bands[value].append(word)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.write(header)
        for value in sorted(bands, reverse=True):
            out.write(f"{value}\t{' '.join(sorted(bands[value]))}\n")


def lower(words: Iterable[str]) -> set[str]:
    """The words in lower case, those of plain letters only."""
    return {w.lower() for w in words if WORD.fullmatch(w.lower())}


def main() -> None:
    """Build all files; print what each source contributes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scowl", type=Path, default=Path("/usr/share/dict/scowl"))
    parser.add_argument("--cspell", type=Path, required=True, help="folder with the npm archives")
    parser.add_argument("--corpus", type=Path, required=True, help="JSONL(.gz) with text and repo")
    parser.add_argument("--out", type=Path, default=HERE / "lexicon", help="folder of what is built")
    parser.add_argument("--without-half", type=int, choices=(0, 1), help="leave out half of the repositories, to measure on it")
    args = parser.parse_args()
    out = args.out
    out.mkdir(parents=True, exist_ok=True)

    import wordfreq

    frequency = {w: f for w, f in wordfreq.get_frequency_dict("en", wordlist="large").items() if WORD.fullmatch(w)}
    web = {}
    for line in (importlib.resources.files("wordsegment") / "unigrams.txt").read_text(encoding="utf-8").split("\n"):
        word, _, n = line.partition("\t")
        if n:
            web[word] = float(n) / 1_024_908_267_229  # the corpus size that the list states
    symspell = {}
    for line in (
        (importlib.resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt")
        .read_text(encoding="utf-8-sig")
        .split("\n")
    ):
        word, _, n = line.strip().partition(" ")
        if n:
            symspell[word] = int(n)
    scowl = scowl_words(args.scowl, SCOWL_MAX_SIZE)
    technical = cspell_words(args.cspell)
    wrong = misspellings(args.cspell)
    corpus = corpus_counts(documents_of(args.corpus, args.without_half))

    dictionary = lower(scowl) | lower(symspell)
    # What a dictionary has is right even if someone lists it as a misspelling of something else.
    terms = {w for words in technical.values() for w in lower(words) if len(w) > 2 and w not in wrong}
    plain = lower(scowl)
    # Nor is what a technical list or a larger dictionary has: it is not known, but nothing says that it is wrong.
    debatable = plain | lower(scowl_words(args.scowl, SCOWL_DEBATABLE_SIZE)) | {w for ws in technical.values() for w in lower(ws)}
    wrong = {w: right for w, right in wrong.items() if w not in debatable}
    dictionary -= wrong.keys()

    def share(word: str) -> float:
        return max(frequency.get(word, 0.0), min(web.get(word, 0.0), 1e-7) if word not in frequency else 0.0, 1e-9)

    def likely_misspelling(word: str) -> bool:
        own = share(word)
        return any(w in dictionary and share(w) > MISSPELLING_RATIO * own for w in near(word)) if len(word) > 3 else False

    known: dict[str, int] = {}
    seen: dict[str, int] = {}
    pairs = {}
    for line in (importlib.resources.files("wordsegment") / "bigrams.txt").read_text(encoding="utf-8").split("\n"):
        pair, _, n = line.partition("\t")
        if n:
            pairs[pair] = float(n) / 1_024_908_267_229

    def run_together(word: str) -> bool:
        splits = ((word[:i], word[i:]) for i in range(1, len(word)))
        return any(pairs.get(f"{a} {b}", 0.0) > RUN_TOGETHER_RATIO * share(word) for a, b in splits)

    for word in dictionary | terms:
        known[word] = zipf(share(word))
    for word, f in frequency.items():
        if word in known:
            continue
        # Letters in threes are how people shout, not how words are written.
        frequent = f >= 1e-7 and len(word) > 2 and not re.search(r"(.)\1\1", word)
        if word in wrong or not frequent or likely_misspelling(word) or run_together(word):
            seen[word] = zipf(f)
        else:
            known[word] = zipf(f)

    foreign = foreign_words(frequency)
    total = sum(sum(c.values()) for c, _, _ in corpus.values())
    domain: dict[str, tuple[str, int, int]] = {}
    for word, (spellings, documents, repositories) in corpus.items():
        if documents < MIN_DOCUMENTS or word in wrong or len(word) < 2:
            continue
        if repositories < MIN_REPOSITORIES and documents < MANY_DOCUMENTS:
            continue
        count, spelling = sum(spellings.values()), spellings.most_common(1)[0][0]
        if word not in known:
            # "VirtualMachine" is protected by its shape; "virtualmachine" is two words without their space.
            slip = spelling in (word, word.capitalize()) and slip_of_frequent(word, count, documents, corpus, known)
            if slip or run_together(word):
                continue
        domain[word] = (spelling, count, documents)

    bands = "# hundredths of the Zipf scale (100 x log10 of occurrences per billion words), TAB, words; see README.md\n"
    write_bands(out / "english.tsv", known, "# English words that are known to be right.\n" + bands)
    write_bands(
        out / "seen.tsv", seen, "# Words that people write but that may be misspellings: evidence, no protection.\n" + bands
    )
    with (out / "vmware.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write(f"# Words of VMware documentation ({total} words, 5,938 documents): facts about them, see README.md\n")
        f.write("term\tcount\tdocuments\n")
        for term, count, documents in sorted(domain.values(), key=lambda t: (-t[2], t[0])):
            f.write(f"{term}\t{count}\t{documents}\n")
    pairs_of = corpus_pairs(documents_of(args.corpus, args.without_half))
    with (out / "pairs.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write("# Neighbouring words in VMware documentation: first TAB second and hundredths of the Zipf scale, TAB ...\n")
        for first in sorted(w for w in pairs_of if w in known or w in domain):
            followers = [f"{w} {zipf(n / total)}" for w, n in sorted(pairs_of[first].items()) if w in known or w in domain]
            if followers:
                f.write(first + "\t" + "\t".join(followers) + "\n")
    # "Mark", "Grant" and "Ubuntu" are names of people, too, but most often not.
    ordinary = {w for w in scowl if w.islower()} | {w for words in technical.values() for w in lower(words)} | domain.keys()
    names = sorted(people(args.cspell) - ordinary)
    with (out / "names.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write("# Names of people that are nothing else: from @cspell/dict-people-names (MIT), see README.md\n")
        f.write("\n".join(names) + "\n")
    with (out / "foreign.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write(f"# Frequent words of other languages ({' '.join(FOREIGN)}) that are rare in English: facts out of wordfreq\n")
        f.write("\n".join(sorted(foreign)) + "\n")
    with (out / "misspellings.tsv").open("w", encoding="utf-8", newline="\n") as f:
        f.write("# Known misspellings, from codespell and cspell (CC BY-SA 4.0, see README.md): misspelling TAB corrections\n")
        for word in sorted(wrong):
            f.write(f"{word}\t{wrong[word]}\n")
    report = {
        "english": len(known), "seen": len(seen), "vmware": len(domain), "foreign": len(foreign), "misspellings": len(wrong),
        "only from SCOWL": len(plain - lower(symspell) - terms - frequency.keys()),
        "only from symspellpy": len(lower(symspell) - plain - terms - frequency.keys()),
        "only from cspell": len(terms - plain - lower(symspell) - frequency.keys()),
        "only from wordfreq": len(known.keys() - dictionary - terms),
        "names": len(names), "corpus words": total,
    }  # fmt: skip
    json.dump(report, sys.stdout, indent=1)


def slip_of_frequent(word: str, count: int, documents: int, corpus: dict, known: dict[str, int]) -> bool:
    """True if a known word one slip away is so much more frequent in this corpus that ``word`` is a misspelling of it."""
    best = max((sum(corpus[w][0].values()) for w in near(word) if w in known and w in corpus and w != word), default=0)
    return len(word) > 3 and best >= (100 if documents >= MANY_DOCUMENTS else 20) * count


if __name__ == "__main__":
    main()
