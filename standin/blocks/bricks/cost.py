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


class SquaredError(CostMatrix):
    """(y - y_hat)^2"""

    @application
    def cost_matrix(self, y, y_hat):
        return tensor.sqr(y - y_hat)


class CategoricalCrossEntropy(Cost):
    """-log y_hat[y] in nats, for classes or distributions y."""

    @application(outputs=["cost"])
    def apply(self, y, y_hat):
        return tensor.nnet.categorical_crossentropy(y_hat, y).mean()


class MisclassificationRate(Cost):
    """How often the class is not among the `top_k` of the highest scores."""

    def __init__(self, top_k=1):
        self.top_k = top_k
        super().__init__()

    @application(outputs=["error_rate"])
    def apply(self, y, y_hat):
        if self.top_k == 1:
            wrong = tensor.neq(y, y_hat.argmax(axis=1))
        else:  # a score equal to that of the right class counts against it
            right = y_hat[tensor.arange(y.shape[0]), y]
            wrong = tensor.ge(y_hat, right[:, None]).sum(axis=1) > self.top_k
        return tensor.cast(wrong, y_hat.dtype).mean()
