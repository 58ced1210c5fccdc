"""Extensions: what happens around the batches."""

import datetime
import math
import time

import progressbar

BATCH_CALLBACKS = ("before_batch", "after_batch")


class CallbackName(str):
    """The name of a callback; also says whether it is one.

    Raises
    ------
    TypeError
        If it is not.
    """

    def __new__(cls, name):
        known = ("before_", "after_", "on_")
        if not name.startswith(known) or not hasattr(TrainingExtension, name):
            raise TypeError(f"{name} is not a valid callback.")
        return super().__new__(cls, name)


class TrainingExtension:
    """Base class: override the callbacks.

    Parameters
    ----------
    name : str, optional
        Default: the name of the class.

    Attributes
    ----------
    main_loop : :class:`~blocks.main_loop.MainLoop`
        Set by the main loop before ``before_training``.
    """

    def __init__(self, name=None):
        self.name = type(self).__name__ if name is None else name
        self._main_loop = None

    @property
    def main_loop(self):
        if self._main_loop is None:
            raise ValueError("main loop must be assigned to extension first")
        return self._main_loop

    @main_loop.setter
    def main_loop(self, main_loop):
        self._main_loop = main_loop

    def dispatch(self, callback_name, *args):
        """Call the callback of a name."""
        getattr(self, str(callback_name))(*args)

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
        """Kept for its name; the main loop never calls it, like upstream's."""

    def on_error(self, exception):
        """When training stops with an error."""


def always_true(log):
    """The condition that always holds."""
    return True


def has_done_epochs(log):
    """Whether an epoch is complete."""
    return log.status["epochs_done"] > 0


def _before_any_epoch(log):
    return not has_done_epochs(log)


class Predicate:
    """A condition on how much training has been done.

    Parameters
    ----------
    condition : {'every', 'after'}
        Every `num`, or once after `num`.
    num : int
    unit : {'epochs', 'batches'}
    """

    STATUS = {"epochs": "epochs_done", "batches": "iterations_done"}

    def __init__(self, condition, num, unit):
        self.condition = condition
        self.num = num
        self.unit = unit

    def __call__(self, log):
        done = log.status[self.STATUS[self.unit]]
        if self.condition == "every":
            return done % self.num == 0
        return done == self.num


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
        """Replace all triggers by those given.

        Raises
        ------
        KeyError
            If there is no trigger of such a name.
        """
        self._conditions[:] = []
        for trigger, value in kwargs.items():
            if trigger in self.INTEGER_TRIGGERS:
                if value:
                    condition, _, unit = trigger.split("_")
                    callback = {"epochs": "after_epoch", "batches": "after_batch"}[unit]
                    self.add_condition([callback], Predicate(condition, value, unit))
            elif trigger not in self.BOOLEAN_TRIGGERS:
                raise KeyError(f"there is no trigger {trigger}")
            elif value and trigger == "before_first_epoch":
                self.add_condition(["before_epoch"], _before_any_epoch)
            elif value:
                self.add_condition([trigger])
        return self

    def add_condition(self, callbacks_names, predicate=None, arguments=None):
        """Add a trigger.

        Parameters
        ----------
        callbacks_names : list of str
        predicate : callable, optional
            Called with the log; triggers only where it returns true.
        arguments : iterable, optional
            For :meth:`do`, after those of the callback.

        Returns
        -------
        :class:`SimpleExtension`
            This one.
        """
        if not isinstance(callbacks_names, (list, tuple)):
            raise ValueError("callbacks_names must be list or tuple.")
        for name in callbacks_names:
            condition = CallbackName(name), predicate or always_true, arguments or ()
            self._conditions.append(condition)
        return self

    def do(self, which_callback, *args):
        """What the extension does.

        Parameters
        ----------
        which_callback : str
            The callback that triggered it.
        *args
            The arguments of the callback, then those of :meth:`add_condition`.
        """
        raise NotImplementedError

    def dispatch(self, callback_invoked, *from_main_loop):
        """Call :meth:`do` once for each trigger that applies."""
        for name, predicate, arguments in self._conditions:
            if name == callback_invoked and predicate(self.main_loop.log):
                self.do(callback_invoked, *(from_main_loop + tuple(arguments)))

    @staticmethod
    def parse_args(which_callback, args):
        """Split arguments into the callback's and those of :meth:`add_condition`."""
        own = 1 if which_callback in BATCH_CALLBACKS else 0
        return tuple(args[:own]), tuple(args[own:])


class FinishAfter(SimpleExtension):
    """Ask the main loop to finish, whenever it is triggered."""

    def do(self, which_callback, *args):
        self.main_loop.log.current_row["training_finish_requested"] = True


class Printing(SimpleExtension):
    """Print the status and the current records of the log.

    By default before the first epoch, after each, at the end, and on errors.
    """

    TITLES = {
        "before_epoch": "Before epoch",
        "after_epoch": "After epoch",
        "after_batch": "After batch",
        "on_resumption": "Training goes on",
        "after_training": "End of training",
        "on_error": "Error",
    }

    def __init__(self, **kwargs):
        for trigger in (
            "before_first_epoch",
            "on_resumption",
            "after_training",
            "after_epoch",
            "on_error",
            "on_interrupt",
        ):
            kwargs.setdefault(trigger, True)
        super().__init__(**kwargs)

    def do(self, which_callback, *args):
        log = self.main_loop.log
        print(f"\n{self.TITLES.get(which_callback, which_callback)}\n{'-' * 40}")
        self._print_sorted("Status:", log.status)
        self._print_sorted(
            f"Records of iteration {log.status['iterations_done']}:", log.current_row
        )

    @staticmethod
    def _print_sorted(title, records):
        print(title)
        for name, value in sorted(records.items()):
            if not name.startswith("_"):
                print(f"    {name}: {value}")


class Timing(SimpleExtension):
    """Record how long things take, in seconds.

    After each epoch the log gets ``time_train_this_epoch`` and
    ``time_read_data_this_epoch``, and the same with ``_total``; before the first
    epoch ``time_initialization``. Put it first in the list of extensions.

    Parameters
    ----------
    prefix : str
        Of the names in the log.
    """

    def __init__(self, prefix="", **kwargs):
        for trigger in (
            "before_training",
            "before_epoch",
            "before_batch",
            "after_batch",
            "after_epoch",
        ):
            kwargs.setdefault(trigger, True)
        super().__init__(**kwargs)
        self.prefix = f"{prefix}_" if prefix else ""
        self._mark = None
        self._this_epoch = {"train": 0.0, "read_data": 0.0}
        self._total = {"train": 0.0, "read_data": 0.0}

    def do(self, which_callback, *args):
        now = time.perf_counter()
        elapsed = 0.0 if self._mark is None else now - self._mark
        row = self.main_loop.log.current_row
        if which_callback == "before_epoch":
            if self.main_loop.status["iterations_done"] == 0:
                row[f"{self.prefix}time_initialization"] = elapsed
            self._this_epoch = {"train": 0.0, "read_data": 0.0}
        elif which_callback in BATCH_CALLBACKS:
            part = "read_data" if which_callback == "before_batch" else "train"
            self._this_epoch[part] += elapsed
            self._total[part] += elapsed
        elif which_callback == "after_epoch":
            for part in ("train", "read_data"):
                name = f"{self.prefix}time_{part}"
                row[f"{name}_this_epoch"] = self._this_epoch[part]
                row[f"{name}_total"] = self._total[part]
        self._mark = time.perf_counter()


class Timestamp(SimpleExtension):
    """Record the date and time, by default after each epoch and at the ends."""

    def __init__(self, log_record="timestamp", separator=" ", **kwargs):
        for trigger in ("before_training", "after_epoch", "after_training"):
            kwargs.setdefault(trigger, True)
        super().__init__(**kwargs)
        self.log_record = log_record
        self.separator = separator

    def do(self, which_callback, *args):
        now = datetime.datetime.now().isoformat(self.separator)
        self.main_loop.log.current_row[self.log_record] = now


class ProgressBar(TrainingExtension):
    """A progress bar for each epoch."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.bar = None
        self.iter_count = 0

    def get_iter_per_epoch(self):
        """The number of batches in an epoch, or None where it is not known."""
        scheme = getattr(self.main_loop.data_stream, "iteration_scheme", None)
        if hasattr(scheme, "num_batches"):
            return scheme.num_batches
        if hasattr(scheme, "num_examples") and hasattr(scheme, "batch_size"):
            return math.ceil(scheme.num_examples / scheme.batch_size)
        ends = [0] + self.main_loop.status["_epoch_ends"]
        return ends[-1] - ends[-2] if len(ends) > 1 else None

    def create_bar(self):
        """A new bar for this epoch."""
        length = self.get_iter_per_epoch()
        title = f"Epoch {self.main_loop.status['epochs_done']}, step "
        if length is None:
            widgets = [title, progressbar.Counter(), " ", progressbar.Timer()]
            return progressbar.ProgressBar(
                widgets=widgets, max_value=progressbar.UnknownLength
            )
        widgets = [
            title,
            progressbar.SimpleProgress(),
            " ",
            progressbar.Percentage(),
            " ",
            progressbar.Bar(),
            " ",
            progressbar.ETA(),
        ]
        return progressbar.ProgressBar(widgets=widgets, max_value=length)

    def before_epoch(self):
        self.iter_count = 0

    def before_batch(self, batch):
        if self.bar is None:
            self.bar = self.create_bar()
            self.bar.start()
        self.iter_count += 1
        length = self.get_iter_per_epoch()
        if length is None or self.iter_count <= length:
            self.bar.update(self.iter_count)

    def after_epoch(self):
        if self.bar is not None:
            self.bar.finish()
            self.bar = None
