"""The training log."""

from blocks.log.log import TrainingLog

__all__ = ["TrainingLog"]
