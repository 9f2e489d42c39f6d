"""The cluster that a run starts for itself: of this machine, for this machine, for as long as the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vnlp_prep.engines.cluster import connected
from vnlp_prep.errors import SettingsError

pytest.importorskip("ray")

ROOT = Path(__file__).resolve().parents[2]
OWN_CLUSTER = """
import json, os, signal, psutil
from vnlp_prep.engines.cluster import connected

signal.signal(signal.SIGTERM, before := lambda *_: None)
with connected() as ray:
    assert ray.get(ray.remote(lambda: 7).remote()) == 7
    family = psutil.Process().children(recursive=True)
    sockets = [c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    from ray._common.usage import usage_lib
    usage = usage_lib.usage_stats_enabled()
alive = psutil.wait_procs(family, timeout=20)[1]
mine = signal.getsignal(signal.SIGTERM) is before
print(json.dumps({"sockets": sorted(set(sockets)), "usage": usage, "alive": len(alive), "handler": mine}))
"""


@pytest.mark.slow
def test_a_cluster_of_its_own_listens_to_this_machine_only_and_ends(tmp_path):
    pytest.importorskip("psutil")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", OWN_CLUSTER],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["sockets"]
    assert {ip.removeprefix("::ffff:") for ip in found["sockets"]} <= {"127.0.0.1", "::1"}
    assert found["usage"] is False
    assert found["alive"] == 0
    assert found["handler"] is True


def test_an_address_at_which_there_is_no_cluster(monkeypatch):
    import ray

    if ray.is_initialized():
        pytest.skip("a cluster that this process is connected to is used, whatever the address")
    with pytest.raises(SettingsError, match="no Ray cluster can be had at nonsense"), connected("nonsense"):
        pass
