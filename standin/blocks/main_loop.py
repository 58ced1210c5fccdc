"""The main loop: epochs, batches, extensions, interrupts."""

import logging
import signal
import threading
import traceback

from blocks.config import config
from blocks.log import TrainingLog
from blocks.utils import change_recursion_limit

logger = logging.getLogger(__name__)


class TrainingFinish(Exception):
    """Raise it to end training; ``after_training`` is still called."""


class MainLoop:
    """Feed the batches of a data stream to a training algorithm.

    Where training stands is in the log and its status, so that :meth:`run`
    continues where it stopped, in the middle of an epoch too.

    The first SIGINT ends training after the epoch, a second one, or SIGTERM, after
    the batch, and a third one at once.

    Parameters
    ----------
    algorithm : :class:`~blocks.algorithms.TrainingAlgorithm`
    data_stream : :class:`~fuel.streams.AbstractDataStream`
    model, log, extensions : optional

    Attributes
    ----------
    epoch_iterator : iterator
        The batches that remain in this epoch.
    """

    def __init__(self, algorithm, data_stream, model=None, log=None, extensions=None):
        self.algorithm = algorithm
        self._model = model
        self.data_stream = data_stream
        self.log = TrainingLog() if log is None else log
        self.extensions = list(extensions or [])
        self.epoch_iterator = None
        self._signal_handlers = {}

    @property
    def model(self):
        """The model; an AttributeError if there is none."""
        if self._model is None:
            raise AttributeError("no model in this main loop; an extension needs one")
        return self._model

    @property
    def iteration_state(self):
        """The data stream and what remains of the epoch."""
        return self.data_stream, self.epoch_iterator

    @property
    def status(self):
        """The status of the log."""
        return self.log.status

    def run(self):
        """Train until an extension or an interrupt asks to finish, or an error."""
        with change_recursion_limit(config.recursion_limit):
            self._set_signal_handlers()
            try:
                self._start()
                while True:
                    self._run_epoch()
            except TrainingFinish:
                self.log.current_row["training_finished"] = True
            except Exception as error:
                self._restore_signal_handlers()
                self._report(error)
                raise
            finally:
                self._restore_signal_handlers()
            self._run_extensions("after_training")

    def _start(self):
        if not self.status["training_started"]:
            for extension in self.extensions:
                extension.main_loop = self
            self._run_extensions("before_training")
            self.algorithm.initialize()
            self.status["training_started"] = True
        # Also when an extension has put back the state of an earlier run.
        if self.status["iterations_done"] > 0:
            self.log.resume()
            self._run_extensions("on_resumption")
            self.status["epoch_interrupt_received"] = False
            self.status["batch_interrupt_received"] = False

    def _run_epoch(self):
        status = self.status
        if not status["epoch_started"]:
            status["received_first_batch"] = False
            self.epoch_iterator = self.data_stream.get_epoch_iterator(as_dict=True)
            status["epoch_started"] = True
            self._run_extensions("before_epoch")
        for batch in self.epoch_iterator:
            status["received_first_batch"] = True
            self._run_extensions("before_batch", batch)
            self.algorithm.process_batch(batch)
            status["iterations_done"] += 1
            self._run_extensions("after_batch", batch)
            self._finish_if_asked(status["batch_interrupt_received"])
        if not status["received_first_batch"]:
            raise ValueError("epoch iterator yielded zero batches")
        status["epoch_started"] = False
        status["epochs_done"] += 1
        status["_epoch_ends"].append(status["iterations_done"])
        self._run_extensions("after_epoch")
        self._finish_if_asked(
            status["epoch_interrupt_received"] or status["batch_interrupt_received"]
        )

    def _finish_if_asked(self, interrupted):
        if interrupted or self.log.current_row.get("training_finish_requested"):
            raise TrainingFinish

    def _run_extensions(self, method_name, *args):
        for extension in self.extensions:
            extension.dispatch(method_name, *args)

    def _report(self, error):
        """Tell the log and the extensions about an error."""
        self.log.current_row["got_exception"] = traceback.format_exc()
        logger.error("training stopped with an error", exc_info=True)
        try:
            self._run_extensions("on_error", error)
        except Exception:
            logger.error("on_error of an extension failed", exc_info=True)

    def _set_signal_handlers(self):
        if threading.current_thread() is threading.main_thread():
            self._signal_handlers = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._interrupt_epoch),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._interrupt_batch),
            }

    def _interrupt_epoch(self, signal_number, frame):
        logger.warning("interrupted; stopping after this epoch, or again: this batch")
        self.status["epoch_interrupt_received"] = True
        self.log.current_row["epoch_interrupt_received"] = True
        signal.signal(signal.SIGINT, self._interrupt_batch)

    def _interrupt_batch(self, signal_number, frame):
        logger.warning("interrupted; stopping after this batch, or again: at once")
        self.status["batch_interrupt_received"] = True
        self.log.current_row["batch_interrupt_received"] = True
        self._restore_signal_handlers()

    def _restore_signal_handlers(self):
        for number, handler in self._signal_handlers.items():
            signal.signal(number, handler)
        self._signal_handlers = {}
