"""Progress bars, times as people say them, and lines that do not tear bars apart."""

import sys

from tqdm import tqdm


def bar(total, description, **kwargs):
    """Return a progress bar; where stderr is a file, it is drawn once a minute."""
    interval = 0.1 if sys.stderr.isatty() else 60
    return tqdm(
        total=total,
        desc=description,
        mininterval=interval,
        maxinterval=2 * interval,
        dynamic_ncols=True,
        leave=False,
        **kwargs,
    )


def duration(seconds):
    """Write a time as people say it: ``45 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def say(text):
    """Print a line that does not tear a progress bar apart."""
    tqdm.write(text, file=sys.stdout)
    sys.stdout.flush()
