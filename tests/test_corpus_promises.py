"""The promises on a sample of real documents, where the corpus stands beside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "data" / "corpus" / "vmware_docs.jsonl.gz"


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_file(), reason="the corpus is not beside the checkout")
def test_promises_hold_on_real_documents() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "promises.py"), str(CORPUS), "--limit", "40"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 repeatable" in done.stdout
