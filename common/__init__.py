"""What all folders share: errors, files, progress bars, Theano's settings."""

from pathlib import Path

#: The archive's own folder.
ROOT = Path(__file__).resolve().parent.parent
