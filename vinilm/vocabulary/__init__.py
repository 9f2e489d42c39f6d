"""A domain vocabulary: the words that a corpus uses most take the ``[unused]`` places of a BERT vocabulary.

    from vinilm.vocabulary import add_terms, choose_terms

    choice = choose_terms(texts, "sentence-transformers/all-MiniLM-L6-v2")
    add_terms("sentence-transformers/all-MiniLM-L6-v2", choice.terms, "models/minilm-domain")

Terms are chosen by what they save (``selection``) among the words that people write in prose (``candidates``); the files of the
tokenizer are rewritten alike (``tokenizer_files``); embeddings begin as the mean of those of the pieces (``embeddings``).
"""

from vinilm.vocabulary.adding import Added, add_terms
from vinilm.vocabulary.choosing import Choice, TermChooser, choose_terms
from vinilm.vocabulary.counting import CorpusCounts, DocumentCounter
from vinilm.vocabulary.selection import Term

__all__ = ["Added", "Choice", "CorpusCounts", "DocumentCounter", "Term", "TermChooser", "add_terms", "choose_terms"]
