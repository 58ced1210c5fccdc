"""Extensions: what happens around the batches."""

import math
from functools import partial

import progressbar

BATCH_CALLBACKS = ("before_batch", "after_batch")


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

    def on_interrupt(self):
        """Like upstream's, the main loop never calls it."""

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
    after_batch, after_epoch, after_training, on_error, on_interrupt : bool
        Triggers.
    after_n_epochs, after_n_batches : int
        Once, after this many in all.
    every_n_epochs, every_n_batches : int
        After this many and after every multiple.
    """

    BOOLEAN_TRIGGERS = frozenset(
        "before_training on_resumption before_first_epoch before_epoch before_batch "
        "after_batch after_epoch after_training on_error on_interrupt".split()
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

    @staticmethod
    def parse_args(which_callback, args):
        """Split arguments into the callback's and those of :meth:`add_condition`."""
        own = 1 if which_callback in BATCH_CALLBACKS else 0
        return tuple(args[:own]), tuple(args[own:])


def _default(kwargs, *triggers):
    """Set triggers that were neither asked for nor turned off."""
    return {**dict.fromkeys(triggers, True), **kwargs}


class FinishAfter(SimpleExtension):
    """Ask the main loop to finish, whenever it is triggered."""

    def do(self, which_callback, *args):
        self.main_loop.log.current_row["training_finish_requested"] = True


class Printing(SimpleExtension):
    """Print the status and the current records of the log.

    By default before the first epoch, after each, on resumption and at the end.
    """

    def __init__(self, **kwargs):
        triggers = "before_first_epoch", "after_epoch", "on_resumption"
        super().__init__(
            **_default(kwargs, *triggers, "after_training", "on_error", "on_interrupt")
        )

    def do(self, which_callback, *args):
        log = self.main_loop.log
        print(f"\n{which_callback.replace('_', ' ').capitalize()}\n{'-' * 40}")
        for title, records in (("Status", log.status), ("Records", log.current_row)):
            print(f"{title}:")
            for name, value in sorted(records.items()):
                if not name.startswith("_"):
                    print(f"    {name}: {value}")


class Timing(SimpleExtension):
    """Record how long things take, in seconds.

    After each epoch ``time_train_this_epoch`` and ``time_read_data_this_epoch``,
    and the same with ``_total``; before the first ``time_initialization``.
    """

    def __init__(self, prefix="", **kwargs):
        super().__init__(**_default(kwargs, "before_epoch", "after_epoch"))
        self.prefix = f"{prefix}_" if prefix else ""
        self._start = {}

    def do(self, which_callback, *args):
        total = dict(self.main_loop.seconds)
        row = self.main_loop.log.current_row
        if which_callback == "before_epoch":
            self._start = total
            if self.main_loop.status["iterations_done"] == 0:
                row[f"{self.prefix}time_initialization"] = total["initialization"]
            return
        for part in ("train", "read_data"):
            name = f"{self.prefix}time_{part}"
            row[f"{name}_this_epoch"] = total[part] - self._start.get(part, 0.0)
            row[f"{name}_total"] = total[part]


class ProgressBar(TrainingExtension):
    """A progress bar for each epoch."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.bar = None

    def get_iter_per_epoch(self):
        """The number of batches in an epoch, or None where it is not known."""
        scheme = getattr(self.main_loop.data_stream, "iteration_scheme", None)
        if hasattr(scheme, "num_batches"):
            return scheme.num_batches
        examples = getattr(scheme, "num_examples", len(getattr(scheme, "indices", ())))
        if examples:
            return math.ceil(examples / getattr(scheme, "batch_size", 1))
        ends = [0] + self.main_loop.status["_epoch_ends"]
        return ends[-1] - ends[-2] if len(ends) > 1 else None

    def create_bar(self):
        """A new bar for this epoch."""
        title = f"Epoch {self.main_loop.status['epochs_done']}, step "
        widgets = [title, progressbar.Counter(), " ", progressbar.Bar(), " "]
        return progressbar.ProgressBar(
            widgets=widgets + [progressbar.ETA()],
            max_value=self.get_iter_per_epoch() or progressbar.UnknownLength,
        )

    def before_batch(self, batch):
        if self.bar is None:
            self.bar = self.create_bar().start()
        length = self.bar.max_value
        if length is progressbar.UnknownLength or self.bar.value < length:
            self.bar.update(self.bar.value + 1)

    def after_epoch(self):
        if self.bar is not None:
            self.bar.finish()
            self.bar = None
