"""What happened at each iteration, and where training stands."""

import uuid
from collections import defaultdict
from numbers import Integral


class TrainingLog(defaultdict):
    """A dictionary from the number of iterations done to a dictionary of records.

    In its `status`, ``_epoch_ends`` are the iterations done at the end of each
    epoch and ``resumed_from`` is the identifier of the log that this one continues.
    """

    def __init__(self):
        super().__init__(dict)
        self.uuid = uuid.uuid4()
        self.status = {
            "iterations_done": 0,
            "epochs_done": 0,
            "_epoch_ends": [],
            "resumed_from": None,
            "training_started": False,
            "epoch_started": False,
            "epoch_interrupt_received": False,
            "batch_interrupt_received": False,
        }

    def __reduce__(self):  # that of defaultdict would call it with its factory
        return type(self), (), vars(self), None, iter(self.items())

    def __getitem__(self, time):
        return super().__getitem__(_checked(time))

    def __setitem__(self, time, value):
        super().__setitem__(_checked(time), value)

    @property
    def current_row(self):
        """The records of the iterations done."""
        return self[self.status["iterations_done"]]

    @property
    def previous_row(self):
        """The records of one iteration before."""
        return self[self.status["iterations_done"] - 1]

    def resume(self):
        """Note that training goes on; the log gets a new identifier."""
        self.status["resumed_from"] = self.uuid.hex
        self.uuid = uuid.uuid4()


def _checked(time):
    if not isinstance(time, Integral) or time < 0:
        raise ValueError("time must be a non-negative integer")
    return time
