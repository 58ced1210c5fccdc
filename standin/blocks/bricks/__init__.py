"""Bricks, the parts that models are built from."""

from blocks.bricks.base import Brick, application, lazy
from blocks.bricks.interfaces import (
    Activation,
    Feedforward,
    Initializable,
    LinearLike,
    Random,
)
from blocks.bricks.recurrent import BaseRecurrent, recurrent
from blocks.bricks.simple import Identity, Linear, Logistic, Rectifier, Tanh

__all__ = [
    "Activation",
    "BaseRecurrent",
    "Brick",
    "Feedforward",
    "Identity",
    "Initializable",
    "Linear",
    "LinearLike",
    "Logistic",
    "Random",
    "Rectifier",
    "Tanh",
    "application",
    "lazy",
    "recurrent",
]
