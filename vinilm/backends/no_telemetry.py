"""OpenVINO and NNCF report their use to their maker and write a client id into the home folder; here they do neither.

Both have no setting for it but the one for automatic builds, which they read when they first start.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

#: What openvino-telemetry and NNCF take for an automatic build.
_BUILD = {"CI": "true", "NNCF_CI": "1"}


@contextlib.contextmanager
def no_telemetry() -> Iterator[None]:
    """Keep the libraries that are first started in here from reporting; the environment is put back afterwards."""
    before = {name: os.environ.get(name) for name in _BUILD}
    os.environ.update(_BUILD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
