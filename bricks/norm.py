"""What the normalisations of a sequence have in common."""

from blocks.bricks import Initializable


class Norm(Initializable):
    """Leaves a sequence as it is. The normalisations are subclasses, called alike."""

    #: The :class:`~bricks.population.PopulationStatistics`, if any.
    populations = ()

    def apply(self, input_, mask=None, training=False, first_step=0):
        """Normalise a sequence.

        Parameters
        ----------
        input_ : :class:`~theano.Variable`
            Shape (time, batch, features).
        mask : :class:`~theano.Variable`, optional
            1 where a sequence goes on and 0 where it has ended, (time, batch).
        training : bool
            Use the batch's statistics, and leave the update of the population's in
            the ``updates`` of the computation graph. Otherwise use the population's.
        first_step : int or :class:`~theano.Variable`
            The time step at which `input_` begins; inference only.

        Returns
        -------
        output : :class:`~theano.Variable`
            Shape (time, batch, features).
        """
        return input_
