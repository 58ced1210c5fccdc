"""Save the gradient of a model's first update: see :mod:`benchmarks.numerics`.

``python -m benchmarks.gradient OUT.npz ptb --model norm_prop --math strict``.
"""

import sys

import numpy

from benchmarks.worker import build


def main(path, experiment, *arguments):
    _, task, batches = build(experiment, arguments)

    import theano

    parameters, cost = task.brick.trained_parameters, task.cost
    batch = batches()[0]
    inputs = {
        variable.name: variable
        for variable in theano.gof.graph.inputs([cost])
        if variable.name in batch
    }
    gradients = theano.function(
        [inputs[name] for name in batch], theano.grad(cost, parameters)
    )(*batch.values())
    arrays = {str(k): array for k, array in enumerate(gradients)}
    with open(path, "wb") as file:
        numpy.savez(file, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
