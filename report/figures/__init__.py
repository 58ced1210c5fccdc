"""What the paper's figures show, computed and measured: ``./reproduce figures``."""
