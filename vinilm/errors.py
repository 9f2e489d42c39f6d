"""What can go wrong on the model side; below ``vnlp_prep.errors.VnlpError``, so that one ``except`` catches both packages.

VnlpError
├── ModelError (ValueError)      a model that cannot be found or used; names the folder and the file, and what to do
├── BackendError (RuntimeError)  a backend that is not installed or cannot run here; says what to install or choose
└── TrainingError (RuntimeError) a training run that cannot go on; says at which step, why, and what to do
"""

from __future__ import annotations

from vnlp_prep.errors import VnlpError


class ModelError(VnlpError, ValueError):
    """A model that cannot be found, or must not or cannot be used. The text names the folder and what to do."""


class BackendError(VnlpError, RuntimeError):
    """A backend that is not installed, or cannot do what was asked of it on this machine."""


class TrainingError(VnlpError, RuntimeError):
    """A training run that cannot go on. The text says at which step, why, and what to do."""
