"""The packages from where they lie."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = ROOT.parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT.parent / "src")]
