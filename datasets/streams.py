"""A Fuel data stream that knows where it is, so that training can resume."""

from fuel.iterator import DataIterator
from fuel.streams import DataStream


def batches(examples, batch_size):
    """Cut a sequence of examples into batches; the last has what remains."""
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}: use 1 or more")
    return [
        examples[start : start + batch_size]
        for start in range(0, len(examples), batch_size)
    ]


class PositionedStream(DataStream):
    """A stream of batches that can go on anywhere: set its `epoch` and `batch`.

    What an epoch consists of must depend on its number only. Then this position is
    all there is to save.

    Parameters
    ----------
    dataset : Dataset
        Where the batches come from.
    plan : callable
        ``plan(epoch)`` gives the list of an epoch's requests to the dataset.
    batches_per_epoch : int, optional
        End every epoch after at most this many batches.

    Attributes
    ----------
    epoch, batch : int
        Position of the batch that comes next. After an epoch's last batch,
        ``batch`` is ``batches_per_epoch``; once the iterator has said that the
        epoch is over, it is 0 and ``epoch`` one more.
    batches_per_epoch : int

    """

    def __init__(self, dataset, plan, batches_per_epoch=None):
        if batches_per_epoch is not None and batches_per_epoch < 1:
            raise ValueError(f"batches_per_epoch is {batches_per_epoch}: use 1 or more")
        super().__init__(dataset)
        self.produces_examples = False
        self.axis_labels = dataset.axis_labels
        self.plan = plan
        self.batches_per_epoch = len(plan(0)[:batches_per_epoch])
        self.epoch = self.batch = 0
        self._unfinished = False

    def get_epoch_iterator(self, as_dict=False):
        """Iterate over the rest of the current epoch.

        An iterator that has been opened but not exhausted is given up, and its
        epoch with it, as Fuel's own streams do.
        """
        if self._unfinished:
            self.next_epoch()
        self._unfinished = True
        return DataIterator(self, self._requests(), as_dict=as_dict)

    def _requests(self):
        requests = self.plan(self.epoch)[: self.batches_per_epoch]
        for request in requests[self.batch :]:
            self.batch += 1
            yield request
        self.next_epoch()

    def next_epoch(self):
        """Go to the start of the next epoch."""
        self.epoch += 1
        self.batch = 0
        self._unfinished = False

    def reset(self):
        """Go back to the start of the first epoch."""
        super().reset()
        self.epoch = self.batch = 0
        self._unfinished = False
