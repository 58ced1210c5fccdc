"""Bricks, the parts that models are built from."""

# ruff: noqa: F401

from blocks.bricks.base import Brick, application, lazy
from blocks.bricks.interfaces import Initializable
from blocks.bricks.recurrent import BaseRecurrent, recurrent
from blocks.bricks.simple import Linear
