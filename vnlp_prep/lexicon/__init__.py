"""What is known: words with counts, candidates for an unknown word, the best split of a run-together one."""

from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.lexicon.segment import segment
from vnlp_prep.lexicon.suggest import Suggestion, suggest

__all__ = ["Lexicon", "Suggestion", "segment", "suggest"]
