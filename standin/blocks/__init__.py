"""An independent implementation of the part of Blocks that this archive uses.

See ``standin/README.md`` for what is covered.
"""

__version__ = "0.2.0+standin"
