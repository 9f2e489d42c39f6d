"""What is known: words with counts, candidates for an unknown word, the best split of a run-together one."""

from vnlp_prep.lexicon.lexicon import Lexicon
from vnlp_prep.lexicon.segmentation import segment
from vnlp_prep.lexicon.suggestions import Suggestion, suggest

__all__ = ["Lexicon", "Suggestion", "segment", "suggest"]
