"""Select parameters by their path."""

from collections import OrderedDict

from blocks.utils import pack


class Selector:
    """A selection of bricks, one or a list."""

    def __init__(self, bricks):
        self.bricks = pack(bricks)

    def get_parameters(self, parameter_name=None):
        """All parameters, or those of one name, by their path ``/brick/child.W``.

        Raises a ValueError if two have the same.
        """
        parameters = OrderedDict()
        for brick in self.bricks:
            found = [
                (f"/{brick.name}.{parameter.name}", parameter)
                for parameter in brick.parameters
                if parameter_name in (None, parameter.name)
            ]
            below = Selector(list(brick.children)).get_parameters(parameter_name)
            found += [(f"/{brick.name}{path}", p) for path, p in below.items()]
            for path, parameter in found:
                if parameters.setdefault(path, parameter) is not parameter:
                    raise ValueError(f"the path {path} appears more than once")
        return parameters
