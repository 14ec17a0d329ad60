"""Where this portal runs: embedded in one process, or in production."""

from pathlib import Path
from typing import Final

from refundportal.environment import Environment

env: Final = Environment()
BASE_DIR: Final = Path(__file__).resolve().parent.parent.parent
MODE: Final = env.choice("REFUNDPORTAL_MODE", ["embedded", "production"], "embedded")
PRODUCTION: Final = MODE == "production"
