"""Bricks: parts of a model with parameters, and the applications that use them."""

import functools
import inspect
import reprlib
import warnings
from collections import OrderedDict

from theano import Variable

from blocks.graph import Annotation, add_annotation
from blocks.roles import INPUT, OUTPUT, PARAMETER, add_role
from blocks.utils import pack, repr_attrs, unpack


class LazyNone:
    """Stands for a constructor's argument that is to be given later; it is false."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name

    def __bool__(self):
        return False


NoneAllocation = LazyNone("NoneAllocation")
NoneInitialization = LazyNone("NoneInitialization")


def lazy(allocation=None, initialization=None):
    """Decorate ``__init__``: these arguments may be set later, before they are needed.

    Both are lists of names.
    """
    missing = dict.fromkeys(allocation or [], NoneAllocation)
    missing.update(dict.fromkeys(initialization or [], NoneInitialization))

    def decorate(init):
        names = list(inspect.signature(init).parameters)[1:]

        @functools.wraps(init)
        def lazy_init(self, *args, **kwargs):
            for name, value in zip(names, args):
                if name in kwargs:
                    raise ValueError(f"multiple values for the argument {name}")
                kwargs[name] = value
            return init(self, *args[len(names) :], **{**missing, **kwargs})

        lazy_init.lazy_arguments = missing
        return lazy_init

    return decorate


def application(*args, **attributes):
    """Decorate a method of a brick, which becomes an application.

    An application's inputs and outputs are annotated with its brick, its call, a
    role and a name.

    Parameters
    ----------
    inputs, outputs : list of str, optional
        The arguments that are inputs, and the names of what the method returns.
    **attributes
        Any other attributes, which the application then has.
    """
    if args:
        return Application(*args)
    return functools.partial(Application, **attributes)


class Application:
    """An application as an attribute of a brick's class.

    Looked up on a brick it gives a :class:`BoundApplication`. If its function has
    an argument ``application_call`` that is the :class:`ApplicationCall`.
    """

    call_stack = []

    def __init__(self, application_function, pass_call=False, **attributes):
        functools.update_wrapper(self, application_function)
        self.application_function = application_function
        self.name = application_function.__name__
        self.brick = None
        self.delegate_name = None
        self.properties = {}
        parameters = inspect.signature(application_function).parameters
        self.pass_call = pass_call or "application_call" in parameters
        self.arguments = [
            p for p in list(parameters.values())[1:] if p.name != "application_call"
        ]
        if not set(attributes.get("inputs", [])) <= {p.name for p in self.arguments}:
            raise ValueError(f"Unexpected inputs of {self.name}: not its arguments")
        vars(self).update(attributes)

    def __set_name__(self, owner, name):
        self.brick = owner

    def __setattr__(self, name, value):
        if name in getattr(self, "properties", ()):
            raise AttributeError(f"{name} is a property")
        super().__setattr__(name, value)

    def property(self, name):
        """Decorator: a method computes an attribute of the bound application."""

        def decorate(method):
            self.properties[name] = method.__name__
            return method

        return decorate

    def delegate(self, method):
        """Decorator: a method gives the application that has missing attributes."""
        self.delegate_name = method.__name__
        return method

    def __get__(self, brick, owner):
        if brick is None:
            return self
        # One for each brick, so that it is the same each time and can be changed.
        bound = vars(brick).setdefault("_bound_applications", {})
        if self not in bound:
            bound[self] = BoundApplication(self, brick)
        return bound[self]

    def __call__(self, brick, *args, **kwargs):
        return self.__get__(brick, type(brick))(*args, **kwargs)

    def apply(self, bound_application, *args, **kwargs):
        """Annotate the inputs, call the function and annotate the outputs."""
        as_list = kwargs.pop("as_list", False)
        as_dict = kwargs.pop("as_dict", False)
        brick = bound_application.brick
        call = ApplicationCall(bound_application)
        stack = Application.call_stack
        if stack and brick is not stack[-1] and brick not in stack[-1].children:
            warnings.warn(
                f"{stack[-1]} applies {brick}, which is not one of its children",
                stacklevel=3,
            )
        if not brick.allocated:
            brick.allocate()

        def tagged(variable, role, name):
            if not isinstance(variable, Variable):
                return variable
            copy = variable.copy()
            copy.name = _variable_name(bound_application, name)
            copy.tag.name = name
            add_annotation(copy, brick)
            add_annotation(copy, call)
            add_role(copy, role)
            return copy

        names = self._argument_names(args)
        args = [tagged(value, INPUT, name) for name, value in zip(names, args)]
        kwargs = {name: tagged(value, INPUT, name) for name, value in kwargs.items()}
        if self.pass_call:  # and so all by name, the call may come before others
            kwargs = {**dict(zip(names, args)), **kwargs, "application_call": call}
            args = args[len(self.arguments) :]
        stack.append(brick)
        try:
            outputs = pack(self.application_function(brick, *args, **kwargs))
        finally:
            stack.pop()

        names = getattr(bound_application, "outputs", None)
        if names is None:
            names = [f"output_{i}" for i in range(len(outputs))]
        if len(outputs) > len(names):
            raise ValueError(f"Unexpected outputs: more than {', '.join(names)}")
        outputs = [tagged(o, OUTPUT, name) for o, name in zip(outputs, names)]
        if as_dict:
            return OrderedDict(zip(names, outputs))
        return outputs if as_list else unpack(outputs)

    def _argument_names(self, args):
        """The name of each positional argument; those of ``*rest`` are numbered."""
        names = []
        for argument in self.arguments:
            if argument.kind is argument.VAR_POSITIONAL:
                return names + [f"{argument.name}_{i}" for i in range(len(args))]
            names.append(argument.name)
        # Where there are too many, the function's own error message says it best.
        return names + [""] * len(args)


class BoundApplication:
    """An application of one brick.

    Its attributes are computed by the brick if there is a property of that name,
    or else are those of the application, or else those of its delegate.
    """

    def __init__(self, application, brick):
        self.application = application
        self.brick = brick

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        application = self.application
        if name in application.properties:
            return getattr(self.brick, application.properties[name])()
        if hasattr(application, name) or application.delegate_name is None:
            return getattr(application, name)
        return getattr(getattr(self.brick, application.delegate_name)(), name)

    def __call__(self, *args, **kwargs):
        return self.application.apply(self, *args, **kwargs)


class ApplicationCall(Annotation):
    """One call of a bound application; the variables it made are annotated with it."""

    def __init__(self, application):
        super().__init__()
        self.application = application


def _variable_name(bound_application, name):
    return f"{bound_application.brick.name}_{bound_application.name}_{name}"


class Brick(Annotation):
    """A part of a model: configuration, parameters, applications and children.

    A brick is configured, allocated and initialised. Each of these goes from the
    parents to their children; whatever has not been done before happens when it is
    needed. Override :meth:`_push_allocation_config`, :meth:`_allocate`,
    :meth:`_push_initialization_config` and :meth:`_initialize`.

    Parameters
    ----------
    name : str, optional
        Default: the name of the class in lower case.
    children : list of bricks, optional

    Attributes
    ----------
    parameters : list of shared variables
        The brick's own, once it is allocated.
    allocated, initialized : bool
    """

    def __init__(self, name=None, children=None):
        super().__init__()
        self.name = type(self).__name__.lower() if name is None else name
        self.children = list(children or [])
        self.allocation_config_pushed = self.allocated = False
        self.initialization_config_pushed = self.initialized = False

    def __new__(cls, *args, **kwargs):
        # The arguments of the constructors that may be missing at first.
        brick = super().__new__(cls)
        brick.allocation_args, brick.initialization_args = [], []
        for base in reversed(cls.__mro__):
            init = vars(base).get("__init__")
            for name, missing in getattr(init, "lazy_arguments", {}).items():
                kind = "allocation" if missing is NoneAllocation else "initialization"
                names = getattr(brick, f"{kind}_args")
                names += [] if name in names else [name]
        return brick

    @reprlib.recursive_repr()
    def __repr__(self):
        return repr_attrs(self, "name")

    def allocate(self):
        """Create the parameters of this brick and of all below it.

        Raises a ValueError if an argument that this needs has not been given.
        """
        if not self.allocation_config_pushed:
            self.push_allocation_config()
        for child in self.children:
            child.allocate()
        self.parameters = []
        self._allocate()
        for parameter in self.parameters:
            add_annotation(parameter, self)
            add_role(parameter, PARAMETER)
        self.allocated = True

    def _allocate(self):
        """Append shared variables to the list `parameters`."""

    def initialize(self):
        """Set the parameters of this brick and of all below it.

        Raises a ValueError if an argument that this needs has not been given.
        """
        if not self.allocated:
            self.allocate()
        if not self.initialization_config_pushed:
            self.push_initialization_config()
        for child in self.children:
            child.initialize()
        self._initialize()
        self.initialized = True

    def _initialize(self):
        """Set the values of the `parameters`."""

    def push_allocation_config(self):
        """Pass on to all bricks below what they need to be allocated."""
        self._check_given("allocation", NoneAllocation)
        self._push_allocation_config()
        for child in self.children:
            child.push_allocation_config()
        self.allocation_config_pushed = True

    def _push_allocation_config(self):
        """Set attributes of the children."""

    def push_initialization_config(self):
        """Pass on to all bricks below what they need to be initialised."""
        self._check_given("initialization", NoneInitialization)
        self._push_initialization_config()
        for child in self.children:
            child.push_initialization_config()
        self.initialization_config_pushed = True

    def _push_initialization_config(self):
        """Set attributes of the children."""

    def _check_given(self, what, missing):
        names = getattr(self, f"{what}_args")
        names = [name for name in names if getattr(self, name, None) is missing]
        if names:
            raise ValueError(f"{what} config not set: {', '.join(names)}")

    def get_dim(self, name):
        """The dimension of an input or output of an application, by its name."""
        raise ValueError(f"No dimension information for {name} available")

    def get_dims(self, names):
        """The dimensions of several inputs or outputs, as a list."""
        return [self.get_dim(name) for name in names]
