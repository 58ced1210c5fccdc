"""Select parameters by their path."""

from collections import OrderedDict

from blocks.utils import pack


class Selector:
    """A selection of bricks, one or a list."""

    def __init__(self, bricks):
        self.bricks = pack(bricks)

    def get_parameters(self):
        """All parameters by their path ``/brick/child.W``.

        Raises a ValueError if two have the same.
        """
        parameters = OrderedDict()
        for brick in self.bricks:
            named = [(f"/{brick.name}.{p.name}", p) for p in brick.parameters]
            below = Selector(brick.children).get_parameters()
            named += [(f"/{brick.name}{path}", p) for path, p in below.items()]
            for path, parameter in named:
                if parameters.setdefault(path, parameter) is not parameter:
                    raise ValueError(f"the path {path} appears more than once")
        return parameters
