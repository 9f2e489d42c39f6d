"""The connection to a Ray cluster: one that there is, or one of this machine alone for as long as it is needed."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from vnlp_prep.engines.storage import first_line
from vnlp_prep.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_installed() -> None:
    """Raise SettingsError unless Ray is there, and the Arrow that it brings."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("pyarrow") is None:
        raise SettingsError("the Ray engine needs Ray; pip install 'vnlp-prep[ray]'")


@contextlib.contextmanager
def connected(address: str | None = None) -> Iterator[Any]:
    """Yield the module ``ray``, connected.

    ``address`` as ``ray.init`` takes it; None: ``$RAY_ADDRESS``, or else a cluster of this machine alone is started, which ends
    with the block, listens to this machine only, and reports to nobody. Where the caller is connected, that is used, and stays.
    Raises SettingsError if Ray is not installed or there is no such cluster.
    """
    is_own = address is None and not os.environ.get("RAY_ADDRESS")
    if is_own:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # What Ray calls so is whether nodes may listen to other machines. It is read once, when Ray is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    check_installed()
    import ray

    if ray.is_initialized():
        yield ray
        return
    try:
        with _own_signals():
            if is_own:
                ray.init(address="local", include_dashboard=False, logging_level=logging.WARNING)
            else:
                ray.init(address=address, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "this machine"
        raise SettingsError(f"no Ray cluster can be had at {where}: {first_line(error)}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what this process does when it is asked to end: Ray sets that without being asked."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
