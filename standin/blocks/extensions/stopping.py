"""Extensions that end training."""

from blocks.extensions import FinishAfter


class FinishIfNoImprovementAfter(FinishAfter):
    """Finish when something has not improved for a while; looks after each epoch.

    Parameters
    ----------
    notification_name : str
        The record of the log that is true where there is an improvement.
    iterations, epochs : int
        How long to wait; give one of them, or it is a ValueError.
    patience_log_record : str, optional
        By default ``<notification_name>_patience_epochs``, or ``_iterations``.
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
        kwargs.setdefault("after_epoch", True)
        super().__init__(**kwargs)
        self.notification_name = notification_name
        self.unit = "iterations" if epochs is None else "epochs"
        self.wait = iterations if epochs is None else epochs
        self.patience_log_record = (
            patience_log_record or f"{notification_name}_patience_{self.unit}"
        )
        self.last_best = None

    def do(self, which_callback, *args):
        row = self.main_loop.log.current_row
        done = self.main_loop.status[f"{self.unit}_done"]
        if row.get(self.notification_name):
            self.last_best = done
        if self.last_best is not None:  # else there is nothing to wait for yet
            patience = self.wait - (done - self.last_best)
            row[self.patience_log_record] = patience
            if patience <= 0:
                super().do(which_callback, *args)
