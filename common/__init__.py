"""What all folders share: errors, files, progress bars, Theano's settings."""

import os
from pathlib import Path

#: The archive's own folder.
ROOT = Path(__file__).resolve().parent.parent
#: Where run folders go by default, seen from the folder that the user is in.
RESULTS = os.path.relpath(str(ROOT / "results"))
