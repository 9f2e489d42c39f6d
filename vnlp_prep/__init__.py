"""Clean noisy technical English before it is encoded, searched or classified, and do no harm.

    from vnlp_prep import Preprocessor

    prep = Preprocessor()
    prep("Teh vSphere client&#39;s log")         # "The vSphere client's log"

The names below are the public ones; ``vnlp_prep.errors`` has the tree of exceptions.
"""

from vnlp_prep.edits import Cleaned, Edit
from vnlp_prep.errors import VnlpError
from vnlp_prep.lexicon import Lexicon, Suggestion, segment, suggest
from vnlp_prep.pipeline import Preprocessor

__all__ = ["Cleaned", "Edit", "Lexicon", "Preprocessor", "Suggestion", "VnlpError", "segment", "suggest"]
__version__ = "0.1.0"
