"""OpenVINO and NNCF report their use to their maker and write a client id into the home folder; here they do neither.

Both have no setting for it but the one for automatic builds, which they read when they first start.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from vinilm.backends.environment import environment

#: What openvino-telemetry and NNCF take for an automatic build.
_BUILD = {"CI": "true", "NNCF_CI": "1"}


def no_telemetry() -> AbstractContextManager[None]:
    """Keep the libraries that are first started in the block from reporting."""
    return environment(_BUILD)
