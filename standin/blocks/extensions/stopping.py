"""Extensions that end training."""

from blocks.extensions import FinishAfter


class FinishIfNoImprovementAfter(FinishAfter):
    """Finish when something has not improved for a while.

    By default it looks after each epoch, or with `iterations` after each batch.

    Parameters
    ----------
    notification_name : str
        The record of the log that is true where there is an improvement, see
        :class:`~blocks.extensions.training.TrackTheBest`.
    iterations, epochs : int
        How long to wait; give one of them.
    patience_log_record : str, optional
        The record of how long it still waits. Default:
        ``<notification_name>_patience_epochs``, or ``_patience_iterations``.

    Raises
    ------
    ValueError
        If both or neither of `iterations` and `epochs` are given.
    """

    def __init__(
        self,
        notification_name,
        iterations=None,
        epochs=None,
        patience_log_record=None,
        **kwargs,
    ):
        if (epochs is None) == (iterations is None):
            raise ValueError("give either epochs or iterations, and not both")
        by_epoch = iterations is None
        kwargs.setdefault("after_epoch" if by_epoch else "after_batch", True)
        super().__init__(**kwargs)
        self.notification_name = notification_name
        self.iterations = iterations
        self.epochs = epochs
        self.patience_log_record = patience_log_record or (
            f"{notification_name}_patience_{'epochs' if by_epoch else 'iterations'}"
        )
        self.last_best_iter = self.last_best_epoch = None

    def update_best(self):
        """Note an improvement, if there is one in the current row."""
        status = self.main_loop.status
        if self.main_loop.log.current_row.get(self.notification_name):
            self.last_best_iter = status["iterations_done"]
            self.last_best_epoch = status["epochs_done"]

    def do(self, which_callback, *args):
        self.update_best()
        status = self.main_loop.status
        if self.last_best_iter is None:  # nothing to wait for yet
            return
        if self.epochs is not None:
            patience = self.epochs - (status["epochs_done"] - self.last_best_epoch)
        else:
            waited = status["iterations_done"] - self.last_best_iter
            patience = self.iterations - waited
        self.main_loop.log.current_row[self.patience_log_record] = patience
        if patience <= 0:
            super().do(which_callback, *args)
