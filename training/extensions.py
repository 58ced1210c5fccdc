"""Extensions of Blocks' main loop that the two experiments share."""

import math
import os
import signal
import time

import numpy
import theano
from blocks.extensions import SimpleExtension
from blocks.extensions.monitoring import DataStreamMonitoring
from theano import tensor

from common.errors import RunError

ADVICE = (
    "the last good state is kept: try a lower --learning-rate, a lower --clipping or "
    "--floatX float64 (under another --tag)"
)


class Resume(SimpleExtension):
    """Put everything back as it was when the state was saved.

    The data stream must know its position, ``epoch`` and ``batch``. Blocks asks it
    for a new epoch unless the log says that one is under way; then it goes on with
    the iterator it finds. Put this extension before those that train or log.

    Parameters
    ----------
    history : runs.history.History
        As it was when the state was saved.
    variables : dict of str to shared variable
        Everything that training changes.
    arrays : dict of str to ndarray, or None
        Their values, or None in a new run, which this extension leaves alone.
    """

    def __init__(self, history, variables, arrays):
        self.history = history
        self.variables = variables
        self.arrays = arrays
        super().__init__(before_training=True)

    def do(self, which_callback, *args):
        if self.arrays is None:
            return
        for name, variable in self.variables.items():
            variable.set_value(self.arrays[name])
        history, status = self.history, self.main_loop.log.status
        status["iterations_done"] = history.updates
        status["epochs_done"] = history.epoch
        status["_epoch_ends"] = [row["updates"] for row in history.rows]
        stream = self.main_loop.data_stream
        stream.epoch, stream.batch = history.epoch, history.batch
        if history.batch:
            status["epoch_started"] = True
            status["received_first_batch"] = True
            self.main_loop.epoch_iterator = stream.get_epoch_iterator(as_dict=True)


class Forget(SimpleExtension):
    """Drop the rows of Blocks' log, one for each update, once they are of no use.

    They would add up to some hundred bytes an update; what lasts is in the history.
    """

    def __init__(self):
        super().__init__(after_batch=True)

    def do(self, *args):
        log = self.main_loop.log
        log.pop(log.status["iterations_done"] - 1, None)


class Meter(SimpleExtension):
    """Count updates and training time, average the cost, stop when it is lost.

    The sum of the cost lives in a shared variable, so that it is part of the
    compiled update and of the resume state.

    Parameters
    ----------
    algorithm : GradientDescent
        Not initialised yet.
    cost : Theano scalar
        What is averaged and recorded; on Penn Treebank bits, where nats are minimised.
    history : runs.history.History
    parameters : dict of str to shared variable
        The model's, whose norms are told when the cost is lost.
    """

    def __init__(self, algorithm, cost, history, parameters):
        self.history = history
        self.parameters = parameters
        self.last = None
        norm = tensor.sqrt(
            sum(tensor.sqr(g).sum() for g in algorithm.gradients.values())
        )
        self.total = theano.shared(numpy.float64(0), name="epoch_cost")
        self.cost = theano.shared(numpy.asarray(0, cost.dtype), name="last_cost")
        self.norm = theano.shared(numpy.asarray(0, norm.dtype), name="gradient_norm")
        algorithm.add_updates(
            [(self.total, self.total + cost), (self.cost, cost), (self.norm, norm)]
        )
        super().__init__(
            on_resumption=True, before_epoch=True, after_batch=True, after_epoch=True
        )

    @property
    def average(self):
        """Mean of the cost over the epoch's updates so far."""
        return float(self.total.get_value()) / max(self.history.batch, 1)

    def do(self, which_callback, *args):
        if which_callback in ("before_epoch", "on_resumption"):
            self.measure()
        if which_callback == "before_epoch":
            self.total.set_value(numpy.float64(0))
            self.history.seconds = 0.0
            self.history.start_clock()
        elif which_callback == "on_resumption":
            self.history.start_clock()
        elif which_callback == "after_epoch":
            self.history.stop_clock()
        else:
            self.history.updates += 1
            self.check()

    def check(self):
        cost, norm = float(self.cost.get_value()), float(self.norm.get_value())
        if not (math.isfinite(cost) and math.isfinite(norm)):
            raise Diverged(
                f"update {self.history.updates} of epoch {self.history.epoch + 1} has "
                f"cost {cost:g} and gradient norm {norm:g}{self.before()}; {ADVICE}"
            )
        self.last = cost, norm

    def before(self):
        """Say what the update before was like, and which parameter was largest."""
        said = ""
        if self.last:
            said = "; the update before had cost {:g} and gradient norm {:g}".format(
                *self.last
            )
        largest = max(self.sizes, key=self.sizes.get)
        return (
            f"{said}; when this epoch was begun or resumed, the parameters had norm "
            f"{math.hypot(*self.sizes.values()):g}, the largest {largest} "
            f"{self.sizes[largest]:g}"
        )

    def measure(self):
        """Note the norms of the parameters, for :meth:`before`."""
        self.sizes = {
            name: float(numpy.linalg.norm(variable.get_value()))
            for name, variable in self.parameters.items()
        }


class Diverged(RunError):
    """The cost, or the norm of its gradient, is not a finite number."""

    ending = "diverged"


class Validation(SimpleExtension):
    """Monitoring after every epoch that a signal stops at once.

    It is compiled when the main loop starts, after the run has been announced.

    Parameters
    ----------
    variables : list
        As for :class:`~blocks.extensions.monitoring.DataStreamMonitoring`.
    data_stream : DataStream
    interrupts : training.interrupt.Interrupts
    **kwargs
        For the monitoring; ``prefix`` names the data.
    """

    def __init__(self, variables, data_stream, interrupts, **kwargs):
        self.monitored = variables, data_stream
        self.interrupts = interrupts
        self.arguments = kwargs
        super().__init__(before_training=True, after_epoch=True)

    def do(self, which_callback, *args):
        with self.interrupts.at_once():
            if which_callback == "before_training":
                self.monitoring = DataStreamMonitoring(
                    *self.monitored, **self.arguments
                )
                self.monitoring.main_loop = self.main_loop
            else:
                self.monitoring.do(which_callback, *args)


class Record(SimpleExtension):
    """After every epoch: append its row, keep the parameters if it is the best.

    Parameters
    ----------
    history : runs.history.History
    meter : Meter
    metrics : list of str
        The row's figures: the training one first, then what validation has left in
        the log, numbers or arrays, the one that chooses the best epoch first.
    keep : callable
        ``keep()`` saves the parameters of the best epoch so far.
    """

    def __init__(self, history, meter, metrics, keep):
        self.history = history
        self.meter = meter
        self.metrics = metrics
        self.keep = keep
        super().__init__(after_epoch=True)

    def do(self, which_callback, *args):
        training, *monitored = self.metrics
        figures = {training: self.meter.average}
        for name in monitored:
            value = numpy.asarray(self.main_loop.log.current_row[name], "float64")
            if not numpy.isfinite(value).all():
                raise Diverged(
                    f"{name} is {value} after update {self.history.updates}, "
                    f"while the training cost is finite; {ADVICE}"
                )
            figures[name] = value.tolist()
        if self.history.finish_epoch(figures, by=monitored[0]):
            self.keep()


class Checkpoint(SimpleExtension):
    """Save the resume state every few minutes, after every epoch and at the end.

    Parameters
    ----------
    save : callable
        Writes the state.
    history : runs.history.History
    interrupts : training.interrupt.Interrupts
    minutes : float
        How often within an epoch.
    """

    def __init__(self, save, history, interrupts, minutes):
        self._save = save
        self.history = history
        self.interrupts = interrupts
        self.minutes = minutes
        self.saved = history.updates, history.epoch
        self.when = time.monotonic()
        super().__init__(after_batch=True, after_epoch=True, after_training=True)

    def do(self, which_callback, *args):
        due = time.monotonic() - self.when > 60 * self.minutes
        if which_callback != "after_batch" or due:
            self.save()

    def save(self):
        """Save, unless nothing has happened since the last time."""
        done = self.history.updates, self.history.epoch
        if done == self.saved:
            return
        with self.interrupts.deferred(), self.history.clock_stopped():
            self._save()
        self.saved, self.when = done, time.monotonic()


class TakeSignals(SimpleExtension):
    """Take the signals over from Blocks' main loop, which has just begun to run.

    One that Blocks has got first is sent again: Blocks would finish the epoch and end
    the run as if all were done. Put this before what takes time to start.

    Parameters
    ----------
    interrupts : training.interrupt.Interrupts
    """

    def __init__(self, interrupts):
        self.interrupts = interrupts
        super().__init__(before_training=True)

    def do(self, *args):
        self.interrupts.install()
        status = self.main_loop.log.status
        for flag, number in (("epoch", signal.SIGINT), ("batch", signal.SIGTERM)):
            if status[f"{flag}_interrupt_received"]:
                os.kill(os.getpid(), number)


class StopOnSignal(SimpleExtension):
    """Ask the main loop to finish after the update during which a signal came.

    Blocks' own handlers finish the epoch first. Put it last, so that what the other
    extensions do after an update or an epoch is done.

    Parameters
    ----------
    interrupts : training.interrupt.Interrupts
    """

    def __init__(self, interrupts):
        self.interrupts = interrupts
        super().__init__(
            on_resumption=True, before_epoch=True, after_batch=True, after_epoch=True
        )

    def do(self, which_callback, *args):
        if which_callback in ("on_resumption", "before_epoch"):
            self.interrupts.defer()
        if self.interrupts.received:
            self.main_loop.log.current_row["training_finish_requested"] = True
