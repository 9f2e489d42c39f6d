"""Where a model is, and what its folder says: found without a network, checked before it is used.

A model is a folder as transformers and sentence-transformers save it. Nothing is downloaded, no code that came with a model is
run, no file is opened that can run code when it is read (a pickle), and neither torch nor transformers is imported for it.
"""

from vinilm.models.finding import ENTRY_POINTS, find_model
from vinilm.models.folder import ModelFolder, open_model, write_checksums

__all__ = ["ENTRY_POINTS", "ModelFolder", "find_model", "open_model", "write_checksums"]
