"""The normalised LSTMs of *Recurrent Normalization Propagation*, as Blocks bricks.

=============================== ===============================================
:mod:`~bricks.lstm`             the baseline, and the frame of the others
:mod:`~bricks.weight_norm`      weight normalisation [WN]
:mod:`~bricks.norm_prop`        the paper's model, eq. 13-15 [NP]
:mod:`~bricks.compensations`    the other forms of the paper's model [NP-code]
:mod:`~bricks.batch_norm`       recurrent batch normalisation [BN]
:mod:`~bricks.layer_norm`       layer normalisation [LN]
:mod:`~bricks.moments`          Var[c] and Var[h], eq. 7-12 [NP]
:mod:`~bricks.linear`           linear layer with optional weight normalisation
:mod:`~bricks.unit_norm`        incoming weight vectors of norm one
:mod:`~bricks.initialization`   orthogonal initialisation
:mod:`~bricks.norm`             what the normalisations have in common
:mod:`~bricks.population`       statistics over the batch and the population
:mod:`~bricks.models`           the five models put together
:mod:`~bricks.character_model`  the Penn Treebank experiment's model
:mod:`~bricks.draw`             the model of binarized MNIST [DRAW]
:mod:`~bricks.draw_parts`       its reader, sampler and writer
:mod:`~bricks.attention`        its windows
=============================== ===============================================

The names in square brackets are those of ``docs/PROVENANCE.md``.
"""

from bricks.batch_norm import BatchNorm, BatchNormLSTM
from bricks.character_model import CharacterModel
from bricks.initialization import Orthogonal, OrthogonalBlocks
from bricks.layer_norm import LayerNorm, LayerNormLSTM
from bricks.linear import Linear
from bricks.lstm import LSTM
from bricks.norm_prop import NormPropLSTM
from bricks.unit_norm import UnitNorm
from bricks.weight_norm import WeightNormLSTM

__all__ = [
    "BatchNorm",
    "BatchNormLSTM",
    "CharacterModel",
    "LSTM",
    "LayerNorm",
    "LayerNormLSTM",
    "Linear",
    "NormPropLSTM",
    "Orthogonal",
    "OrthogonalBlocks",
    "UnitNorm",
    "WeightNormLSTM",
]
