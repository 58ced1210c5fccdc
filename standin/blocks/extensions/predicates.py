"""Conditions for :meth:`blocks.extensions.SimpleExtension.add_condition`."""


class OnLogRecord:
    """Whether the current row of the log has a record that is true."""

    def __init__(self, record_name):
        self.record_name = record_name

    def __call__(self, log):
        return bool(log.current_row.get(self.record_name))
