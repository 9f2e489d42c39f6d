"""A domain lexicon out of a user's own corpus: count its words, decide what they are, merge with what a person decided.

``prose``     the words of a document that stand in its prose
``count``     the words of a corpus: documents, sources, spellings, neighbours; in bounded memory
``variants``  how a word is written, and its forms with a space or a hyphen
``decide``    terms, misspellings of more frequent words, words that English has anyway; each with the reason
``merge``     the decisions and the file that is there: what a person changed stays

The records come from ``vnlp_prep.corpus.documents``, and ``vnlp_prep.corpus.counting`` counts them in one or several processes.
"""
