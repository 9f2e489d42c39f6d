"""What can go wrong, as one tree of exceptions.

    VnlpError                        anything this package reports on purpose; its text says what to do
    ├── SettingsError (ValueError)   a setting, option or argument that is unknown or out of range
    ├── LexiconError (ValueError)    a lexicon file that cannot be used; names file and line
    ├── InputError (OSError)         an input that cannot be read
    ├── OutputError (OSError)        an output that cannot be written
    └── WorkerError                  a worker process that was killed, and once more when its work was done again

A record that cannot be cleaned is no exception: it goes to the rejects with its reason (see ``vnlp_prep.corpus``).
"""

from __future__ import annotations


class VnlpError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingsError(VnlpError, ValueError):
    """A setting, option or argument that is unknown or out of range."""


class LexiconError(VnlpError, ValueError):
    """A lexicon file that cannot be used. The text names the file and the line."""


class InputError(VnlpError, OSError):
    """An input that cannot be read as what it is said to be."""


class OutputError(VnlpError, OSError):
    """An output that cannot be written, or must not be."""


class WorkerError(VnlpError):
    """A worker process that was killed, and once more when its work was done again."""
