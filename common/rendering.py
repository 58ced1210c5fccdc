"""Matplotlib as released: no setting of the user's counts, and no failure is a loss."""

import io
import os

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
    try:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(SETTINGS)
            figure, files = draw(*arguments), []
            for kind in formats:
                file = io.BytesIO()
                figure.savefig(file, format=kind, dpi=160, metadata=DATES.get(kind))
                files.append(file.getvalue())
        return files
    except Exception as error:
        what = f"{type(error).__name__}: {error}" if str(error) else "no memory"
        raise RunError(f"a picture cannot be drawn ({what})") from error
