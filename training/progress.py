"""Progress bars, and how long the whole run will take here."""

import time

from blocks.extensions import SimpleExtension

from common.bars import bar, duration, say

# The first updates are slower: memory is allocated, caches are cold.
WARM_UP, TIMED = 2, 10


class Shown:
    """A data stream whose epochs show a progress bar.

    Parameters
    ----------
    stream : DataStream
        With ``batches_per_epoch``.
    description : str
    """

    def __init__(self, stream, description):
        self.stream = stream
        self.description = description

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def get_epoch_iterator(self, **kwargs):
        total = self.stream.batches_per_epoch
        with bar(total, self.description, unit=" batches") as shown:
            for batch in self.stream.get_epoch_iterator(**kwargs):
                yield batch
                shown.update()


class Progress(SimpleExtension):
    """A bar for each epoch, a line after it, and an early estimate of the whole.

    Make it before anything is compiled, so that it can say how long that took.

    Parameters
    ----------
    history : runs.history.History
    meter : training.extensions.Meter
    epochs : int
    batches : int
        Updates in an epoch.
    unit : str
        Of the cost, for people: ``bpc`` or ``nats``.
    """

    def __init__(self, history, meter, epochs, batches, unit):
        self.history = history
        self.meter = meter
        self.epochs = epochs
        self.batches = batches
        self.unit = unit
        self.bar = None
        self.done = 0
        self.started = time.perf_counter()
        say("Compiling: a minute or two the first time, seconds when it is cached.")
        super().__init__(
            on_resumption=True,
            before_epoch=True,
            after_batch=True,
            after_epoch=True,
            after_training=True,
            on_error=True,
        )

    def do(self, which_callback, *args):
        if which_callback == "after_batch":
            self.update()
        elif which_callback in ("on_resumption", "before_epoch"):
            self.open()
        else:
            self.close()
            if which_callback == "after_epoch":
                self.line()

    def open(self):
        if self.started is not None:
            say(f"Compiled in {duration(time.perf_counter() - self.started)}.")
            self.started = None
        self.close()
        self.bar = bar(
            self.batches,
            f"epoch {self.history.epoch + 1}/{self.epochs}",
            initial=self.history.batch,
            unit=" updates",
        )

    def close(self):
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def update(self):
        self.bar.set_postfix_str(f"{self.meter.average:.3f} {self.unit}", refresh=False)
        self.bar.update()
        if self.history.batch == self.batches:
            self.close()
        self.done += 1
        if self.done == WARM_UP:
            self.since = time.perf_counter()
        elif self.done == WARM_UP + TIMED:
            seconds = (time.perf_counter() - self.since) / TIMED
            left = self.epochs * self.batches - self.history.updates
            say(
                f"An update takes {seconds:.2g} s here: about "
                f"{duration(seconds * left)} for the {left:,} to come, validation "
                "not counted."
            )

    def line(self):
        """Print the epoch that has just been recorded."""
        row = self.history.rows[-1]
        figures = "  ".join(
            f"{name.replace('_', ' ')} {value:.4f}"
            for name, value in row.items()
            if name not in ("epoch", "updates", "seconds")
            and not isinstance(value, list)
        )
        best = "  best so far" if self.history.best is row else ""
        say(
            f"epoch {row['epoch']:3d}/{self.epochs}  {figures}  "
            f"{duration(row['seconds'])}{best}"
        )
