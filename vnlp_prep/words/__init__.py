"""What is a word, and what is protected: the one place that decides it.

The rule is a white list: only a token of plain letters in running prose is a word that a stage may look at. Everything else
(addresses, paths, identifiers, numbers, acronyms, code ...) is protected because it is *not* such a word; the names of kinds
only serve to tell a person why. Three things decide, from cheap to dear:

1. ``tokens``: the shape of one white-space token. Pure, cached by the callers, sees most of it.
2. ``regions``: Markdown code, templates, placeholders, link targets, which reach over white space.
3. ``lines``: log lines, stack frames, shell sessions, source code, key-value lines, other languages.

``guard`` asks 2 and 3, only about places where a stage would change something, so a clean text never pays for them.
"""

from vnlp_prep.words.guard import Guard, protected
from vnlp_prep.words.lines import Vocabulary, english, is_data, line_kind
from vnlp_prep.words.regions import Protected, code_regions, code_spans, fences, literal_blocks, markdown_code
from vnlp_prep.words.tokens import Span, token_kind, word_spans

__all__ = [
    "Guard",
    "Protected",
    "Span",
    "Vocabulary",
    "code_regions",
    "code_spans",
    "english",
    "fences",
    "is_data",
    "line_kind",
    "literal_blocks",
    "markdown_code",
    "protected",
    "token_kind",
    "word_spans",
]
