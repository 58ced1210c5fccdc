"""Find variables of a graph by what they are."""

import re
from inspect import isclass

from blocks.bricks.base import Application, ApplicationCall, Brick
from blocks.roles import has_roles
from blocks.utils import pack


def get_annotation(var, cls):
    """The one annotation of some class that a variable has, or None.

    Raises
    ------
    ValueError
        If it has several.
    """
    found = [a for a in getattr(var.tag, "annotations", []) if isinstance(a, cls)]
    if len(found) > 1:
        raise ValueError(f"{var} has {len(found)} annotations of type {cls.__name__}")
    return found[0] if found else None


def get_brick(var):
    """The brick that a variable belongs to, or None."""
    return get_annotation(var, Brick)


def get_application_call(var):
    """The application call that a variable belongs to, or None."""
    return get_annotation(var, ApplicationCall)


class VariableFilter:
    """Select variables for which every given criterion holds.

    Parameters
    ----------
    roles : list of :class:`~blocks.roles.VariableRole`, optional
        Have one of these roles.
    bricks : list of bricks or brick classes, optional
        Belong to one of these.
    each_role : bool
        Have all of the roles.
    name, name_regex : str, optional
        The name that Blocks gave (``tag.name``, without brick and application),
        or a regular expression that matches at its beginning.
    theano_name, theano_name_regex : str, optional
        The same for the name of the Theano variable.
    call_id : str, optional
        The ``call_id`` given to the application's call.
    applications : list of applications, optional
        Bound ones (``brick.apply``) or those of a class (``Linear.apply``).

    Examples
    --------
    >>> from theano import tensor
    >>> from blocks.bricks import Linear
    >>> from blocks.graph import ComputationGraph
    >>> from blocks.roles import WEIGHT
    >>> graph = ComputationGraph(Linear(2, 3).apply(tensor.matrix("x")))
    >>> VariableFilter(roles=[WEIGHT])(graph.variables)
    [W]
    """

    def __init__(
        self,
        roles=None,
        bricks=None,
        each_role=False,
        name=None,
        name_regex=None,
        theano_name=None,
        theano_name_regex=None,
        call_id=None,
        applications=None,
    ):
        if bricks is not None:
            bricks = pack(bricks)
            for brick in bricks:
                if not isinstance(brick, Brick) and not (
                    isclass(brick) and issubclass(brick, Brick)
                ):
                    raise ValueError("bricks must be a list of bricks")
        self.roles = roles
        self.bricks = bricks
        self.each_role = each_role
        self.name = name
        self.name_regex = name_regex
        self.theano_name = theano_name
        self.theano_name_regex = theano_name_regex
        self.call_id = call_id
        self.applications = None if applications is None else pack(applications)

    def __call__(self, variables):
        """The variables that pass, in their order.

        Parameters
        ----------
        variables : iterable of :class:`~theano.Variable`

        Returns
        -------
        list of :class:`~theano.Variable`
        """
        return [variable for variable in variables if self._passes(variable)]

    def _passes(self, variable):
        tag_name = getattr(variable.tag, "name", None)
        if self.roles is not None:
            if not has_roles(variable, self.roles, self.each_role):
                return False
        if self.bricks is not None and not self._in_bricks(variable):
            return False
        if self.applications is not None and not self._in_applications(variable):
            return False
        if self.call_id is not None:
            call = get_application_call(variable)
            if call is None or call.metadata["call_id"] != self.call_id:
                return False
        return (
            (self.name is None or tag_name == self.name)
            and (self.theano_name is None or variable.name == self.theano_name)
            and _matches(self.name_regex, tag_name)
            and _matches(self.theano_name_regex, variable.name)
        )

    def _in_bricks(self, variable):
        brick = get_brick(variable)
        return brick is not None and any(
            isinstance(brick, wanted) if isclass(wanted) else brick is wanted
            for wanted in self.bricks
        )

    def _in_applications(self, variable):
        call = get_application_call(variable)
        return call is not None and any(
            (
                call.application.application is wanted
                if isinstance(wanted, Application)
                else call.application == wanted
            )
            for wanted in self.applications
        )


def _matches(regex, name):
    return regex is None or (name is not None and re.match(regex, name) is not None)
