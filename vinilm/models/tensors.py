"""Tensors into a file, with errors as those of other files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vnlp_prep.corpus.records import shown
from vnlp_prep.corpus.writers import cannot_write

if TYPE_CHECKING:
    from torch import Tensor

# How the library names what the system refused.
_NUMBER = re.compile(r"\(os error (\d+)\)")


def write_tensors(tensors: Mapping[str, Tensor], file: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write ``tensors`` as safetensors. Raises OutputError: what the library raises is no OSError."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        file.touch()
        mode = file.stat().st_mode  # as every file that is made here; the library's are for their owner alone
        save_file(dict(tensors), file, metadata=dict(metadata) if metadata is not None else None)
        file.chmod(mode)
    except SafetensorError as error:
        number = _NUMBER.search(str(error))
        known = OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(error))
        raise cannot_write(shown(file), known) from None
    except OSError as error:
        raise cannot_write(shown(file), error) from None
