from __future__ import annotations

from pathlib import Path

import pytest
from vocabulary_models import make_vocabulary_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_vocabulary_model(tmp_path / "model")
