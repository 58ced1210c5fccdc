"""Select bricks and parameters by their path."""

from collections import OrderedDict

from blocks.bricks.base import BRICK_DELIMITER
from blocks.utils import pack


class Selector:
    """A selection of bricks.

    Parameters
    ----------
    bricks : (list of) :class:`~blocks.bricks.Brick`
    """

    def __init__(self, bricks):
        self.bricks = pack(bricks)

    def select(self, path):
        """The bricks at a path of names that starts at the selected ones.

        Parameters
        ----------
        path : str
            For example ``/model/lstm``.

        Returns
        -------
        :class:`Selector`

        Raises
        ------
        ValueError
            If the path is not of this form.
        """
        start, *names = path.split(BRICK_DELIMITER)
        if start or not all(names):
            raise ValueError(f"not a path of bricks: {path!r}")
        found = candidates = self.bricks
        for name in names:
            found = [brick for brick in candidates if brick.name == name]
            candidates = [child for brick in found for child in brick.children]
        return Selector(found)

    def get_parameters(self, parameter_name=None):
        """The parameters of the selected bricks and of those below them, by path.

        Parameters
        ----------
        parameter_name : str, optional
            Only the parameters of this name.

        Returns
        -------
        OrderedDict

        Raises
        ------
        ValueError
            If two parameters have the same path.
        """
        parameters = OrderedDict()

        def put(path, parameter):
            if parameters.setdefault(path, parameter) is not parameter:
                raise ValueError(f"two parameters are called {path}; rename a brick")

        for brick in self.bricks:
            for parameter in brick.parameters:
                if parameter_name in (None, parameter.name):
                    put(f"/{brick.name}.{parameter.name}", parameter)
            below = Selector(list(brick.children)).get_parameters(parameter_name)
            for path, parameter in below.items():
                put(f"/{brick.name}{path}", parameter)
        return parameters
