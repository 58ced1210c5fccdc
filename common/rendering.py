"""Matplotlib as released: no setting of the user's counts, and no failure is a loss."""

import io
import os
import signal
from multiprocessing import get_context

from common.errors import RunError

# With these and no dates a figure is the same every time.
SETTINGS = {"svg.hashsalt": "archive", "svg.fonttype": "path"}
DATES = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}


def new_figure(width, height):
    """A Matplotlib figure, in inches, without its global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), constrained_layout=True)
    FigureCanvasAgg(figure)
    return figure


def render(formats, draw, *arguments):
    """Return ``draw(*arguments)``, a figure, as the bytes of a file in each format.

    It is drawn in another process: where memory is short, OpenBLAS ends the one that it
    is in.

    Parameters
    ----------
    formats : sequence of {'png', 'pdf', 'svg'}

    Raises
    ------
    RunError
        If it cannot be drawn: a picture is never a reason to lose anything else.
    """
    # A matplotlibrc may hold anything, and is read when Matplotlib is imported.
    os.environ["MATPLOTLIBRC"] = os.devnull
    os.environ.pop("MPLBACKEND", None)
    processes = get_context("fork")
    try:
        # Here, so that it is done once.
        new_figure(1, 1)
        receiver, sender = processes.Pipe(duplex=False)
        given = sender, formats, draw, arguments
        child = processes.Process(target=send, args=given, daemon=True)
        child.start()
        sender.close()
        files, reason = receiver.recv()
        child.join()
    except EOFError:
        files, reason = None, "the process that draws has ended; is memory short?"
    except Exception as error:
        files, reason = None, words(error)
    if files is None:
        raise RunError(f"a picture cannot be drawn ({reason})")
    return files


def send(sender, formats, draw, arguments):
    """Draw, and send the files, or why there are none."""
    # The parent acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        import matplotlib

        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        figure, files = draw(*arguments), []
        for kind in formats:
            file = io.BytesIO()
            figure.savefig(file, format=kind, dpi=160, metadata=DATES.get(kind))
            files.append(file.getvalue())
        sender.send((files, None))
    except Exception as error:
        sender.send((None, words(error)))


def words(error):
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
