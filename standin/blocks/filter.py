"""Find variables of a graph by what they are."""

import re
from inspect import isclass

from blocks.bricks.base import Application, ApplicationCall, BoundApplication, Brick
from blocks.roles import has_roles


def get_annotation(var, cls):
    """The annotation of some class that a variable has; a ValueError if several."""
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
    """Select the variables for which every given criterion holds.

    Parameters
    ----------
    roles : list of :class:`~blocks.roles.VariableRole`, optional
        Have one of these roles, or with `each_role` all of them.
    bricks, applications : list, optional
        Belong to one of these, or to one of these classes.
    name, name_regex, theano_name, theano_name_regex : str, optional
        The name in the application (``tag.name``) or that of the Theano variable,
        or a regular expression that matches at its beginning.
    call_id : str, optional
        What the application's call was given.
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
        for brick in bricks or []:
            if not isinstance(brick, Brick) and not (
                isclass(brick) and issubclass(brick, Brick)
            ):
                raise ValueError("`bricks` should be a list of bricks or their classes")
        for application in applications or []:
            if not isinstance(application, (Application, BoundApplication)):
                raise TypeError("`applications` should be a list of applications")
        self.roles = roles
        self.bricks = bricks
        self.each_role = each_role
        self.name = name
        self.name_regex = name_regex
        self.theano_name = theano_name
        self.theano_name_regex = theano_name_regex
        self.call_id = call_id
        self.applications = applications

    def __call__(self, variables):
        """The variables that pass, as a list in their order."""
        return [variable for variable in variables if self._passes(variable)]

    def _passes(self, variable):
        tag_name = getattr(variable.tag, "name", None)
        call = get_application_call(variable)
        return (
            (self.roles is None or has_roles(variable, self.roles, self.each_role))
            and (self.bricks is None or self._in_bricks(get_brick(variable)))
            and (self.applications is None or self._in_applications(call))
            and (
                self.call_id is None
                or (call is not None and call.metadata["call_id"] == self.call_id)
            )
            and (self.name is None or tag_name == self.name)
            and (self.theano_name is None or variable.name == self.theano_name)
            and _matches(self.name_regex, tag_name)
            and _matches(self.theano_name_regex, variable.name)
        )

    def _in_bricks(self, brick):
        return any(
            isinstance(brick, wanted) if isclass(wanted) else brick is wanted
            for wanted in self.bricks
        )

    def _in_applications(self, call):
        return call is not None and any(
            wanted in (call.application, call.application.application)
            for wanted in self.applications
        )


def _matches(regex, name):
    return regex is None or (name is not None and re.match(regex, name) is not None)
