"""Keras, on TensorFlow: to be imported in here, for it decides once and for all what it runs on."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from vinilm.backends.environment import environment
from vinilm.errors import BackendError


@contextlib.contextmanager
def keras_on_tensorflow() -> Iterator[None]:
    """Have Keras, when it is imported in here, run on TensorFlow. Raises BackendError when it runs on something else already."""
    if "keras" in sys.modules:
        import keras

        if keras.backend.backend() != "tensorflow":
            raise BackendError(
                f"Keras is already running on {keras.backend.backend()} in this process, and cannot change; set the environment "
                "variable KERAS_BACKEND=tensorflow before the program starts, or choose another backend than 'tensorflow'"
            )
    # Both are read once, at import; TF_CPP_MIN_LOG_LEVEL=3 leaves what is fatal.
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3")
    with environment({"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": level}):
        yield
