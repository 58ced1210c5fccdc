"""Costs, averaged over the examples."""

from theano import tensor

from blocks.bricks.base import Brick, application


class Cost(Brick):
    """Base class: an application ``apply(y, y_hat)`` that returns a scalar."""


class CostMatrix(Cost):
    """A cost that is a sum over the components of each example.

    Override the application ``cost_matrix(y, y_hat)``, which returns the cost of
    each component, of shape (batch, components).
    """

    @application(outputs=["cost"])
    def apply(self, *args, **kwargs):
        """Sum over the components, mean over the batch."""
        return self.cost_matrix(*args, **kwargs).sum(axis=1).mean()


class BinaryCrossEntropy(CostMatrix):
    """-y log(y_hat) - (1 - y) log(1 - y_hat), in nats."""

    @application
    def cost_matrix(self, y, y_hat):
        return tensor.nnet.binary_crossentropy(y_hat, y)


class CategoricalCrossEntropy(Cost):
    """-log y_hat[y] in nats, for classes or distributions y."""

    @application(outputs=["cost"])
    def apply(self, y, y_hat):
        return tensor.nnet.categorical_crossentropy(y_hat, y).mean()
