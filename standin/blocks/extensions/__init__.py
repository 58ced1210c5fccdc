"""Extensions: what happens around the batches."""

from functools import partial


class TrainingExtension:
    """Base class: override the callbacks.

    Parameters
    ----------
    name : str, optional
        Default: the name of the class.
    """

    def __init__(self, name=None):
        self.name = type(self).__name__ if name is None else name
        self._main_loop = None

    @property
    def main_loop(self):
        """Set by the main loop before ``before_training``."""
        if self._main_loop is None:
            raise ValueError("main loop must be assigned to extension first")
        return self._main_loop

    @main_loop.setter
    def main_loop(self, main_loop):
        self._main_loop = main_loop

    def dispatch(self, callback_name, *args):
        """Call the callback of a name."""
        getattr(self, callback_name)(*args)

    def before_training(self):
        """Before anything is compiled, when training starts and not again."""

    def on_resumption(self):
        """When training goes on after it stopped."""

    def before_epoch(self):
        """Before each epoch."""

    def before_batch(self, batch):
        """Before each batch, a dictionary from source names to arrays."""

    def after_batch(self, batch):
        """After each batch."""

    def after_epoch(self):
        """After each complete epoch."""

    def after_training(self):
        """At the end, but not after an error."""

    def on_error(self, exception):
        """When training stops with an error."""


def has_done(status, num, every, log):
    """The condition that so much is done, or with `every` a multiple of it."""
    done = log.status[status]
    return done == num or (every and done % num == 0)


class SimpleExtension(TrainingExtension):
    """An extension that does one thing, in :meth:`do`, whenever it is triggered.

    Parameters
    ----------
    before_training, on_resumption, before_first_epoch, before_epoch, before_batch,
    after_batch, after_epoch, after_training, on_error : bool
        Triggers.
    after_n_epochs, after_n_batches : int
        Once, after this many in all.
    every_n_epochs, every_n_batches : int
        After this many and after every multiple.
    """

    BOOLEAN_TRIGGERS = frozenset(
        "before_training on_resumption before_first_epoch before_epoch before_batch "
        "after_batch after_epoch after_training on_error".split()
    )
    INTEGER_TRIGGERS = frozenset(
        "after_n_epochs after_n_batches every_n_epochs every_n_batches".split()
    )

    def __init__(self, **kwargs):
        triggers = self.BOOLEAN_TRIGGERS | self.INTEGER_TRIGGERS
        given = {name: kwargs.pop(name) for name in list(kwargs) if name in triggers}
        super().__init__(**kwargs)
        self._conditions = []
        self.set_conditions(**given)

    def set_conditions(self, **kwargs):
        """Replace all triggers by those given; KeyError if there is no such one."""
        self._conditions = []
        for trigger, value in kwargs.items():
            if trigger not in self.BOOLEAN_TRIGGERS | self.INTEGER_TRIGGERS:
                raise KeyError(f"there is no trigger {trigger}")
            if not value:
                continue
            if trigger == "before_first_epoch":
                self.add_condition(
                    ["before_epoch"], partial(has_done, "epochs_done", 0, False)
                )
            elif trigger in self.BOOLEAN_TRIGGERS:
                self.add_condition([trigger])
            else:
                callback, status = "after_epoch", "epochs_done"
                if trigger.endswith("batches"):
                    callback, status = "after_batch", "iterations_done"
                every = trigger.startswith("every")
                self.add_condition([callback], partial(has_done, status, value, every))
        return self

    def add_condition(self, callbacks_names, predicate=None, arguments=None):
        """Add a trigger: the names of callbacks and a predicate, given the log.

        The arguments are for :meth:`do`, after those of the callback.
        """
        if not isinstance(callbacks_names, (list, tuple)):
            raise ValueError("callbacks_names must be list or tuple.")
        for name in callbacks_names:
            if not hasattr(TrainingExtension, name):
                raise TypeError(f"{name} is not a valid callback.")
            self._conditions.append((name, predicate, arguments or ()))
        return self

    def do(self, which_callback, *args):
        """What the extension does, given the callback that triggered it."""
        raise NotImplementedError

    def dispatch(self, callback_name, *args):
        for name, predicate, arguments in self._conditions:
            if name == callback_name and (
                predicate is None or predicate(self.main_loop.log)
            ):
                self.do(callback_name, *args, *arguments)


class FinishAfter(SimpleExtension):
    """Ask the main loop to finish, whenever it is triggered."""

    def do(self, which_callback, *args):
        self.main_loop.log.current_row["training_finish_requested"] = True
