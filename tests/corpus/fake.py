"""A cleaner that is simple enough to predict. In a module of its own, for worker processes have to find it."""

from __future__ import annotations

import re

from vnlp_prep.edits import Cleaned, Edit


class Fake:
    """Cleans what a test can foresee: ``teh`` and ``<br>``; fails at ``BOOM``."""

    def warm_up(self) -> None:
        """There is nothing to be made ready."""

    def clean(self, text: str) -> Cleaned:
        if "BOOM" in text:
            raise RuntimeError("boom\nand more")
        found = re.finditer("teh|<br>", text)
        return Cleaned(
            text, tuple(Edit("fake", "r", m.start(), m.end(), m[0], "the" if m[0] == "teh" else "\n", 1.0) for m in found)
        )
