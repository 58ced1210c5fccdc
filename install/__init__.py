"""What `./reproduce setup` does. Standard library only, Python 3.6 or newer."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
