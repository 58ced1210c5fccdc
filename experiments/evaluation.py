"""Score a trained character model on validation and test text."""

from pathlib import Path

import theano
from blocks.monitoring import aggregation
from theano import tensor

from common.errors import RunError
from common.files import read_json, write_json
from datasets.ptb import windows_stream
from experiments import population, sequence
from runs.best import load_parameters
from training.extensions import Validation
from training.progress import Shown


def load_best(run, brick):
    """Give a brick the parameters of a run's best epoch.

    Raises
    ------
    RunError
        If there are none, or they are those of another model.
    """
    path = Path(run) / "best.npz"
    arrays, parameters = load_parameters(path), brick.all_parameters
    expected = {n: v.get_value(borrow=True).shape for n, v in parameters.items()}
    if expected != {name: array.shape for name, array in arrays.items()}:
        raise RunError(f"{path} does not hold the parameters of this model")
    for name, variable in parameters.items():
        variable.set_value(arrays[name].astype(variable.dtype))


def bits_per_character(bits, symbols):
    """Return a function that scores a stream of windows.

    Parameters
    ----------
    bits : Theano variable
        (time - 1, batch), the bits of each prediction.
    symbols : Theano variable
        (time, batch), the windows.

    Returns
    -------
    callable
        ``score(stream, description)``: bits per character over all predictions.
    """
    # A rewrite of Theano's fails, and says so, on a quotient's sum(dtype="float64").
    total = tensor.cast(bits, "float64").sum()
    sums = theano.function([symbols], [total, bits.size])

    def score(stream, description):
        total = number = 0
        for batch in Shown(stream, description).get_epoch_iterator(as_dict=True):
            bits, predictions = sums(batch["symbols"])
            total, number = total + float(bits), number + int(predictions)
        return total / number

    return score


def validation(bits, stream, interrupts):
    """The extension that leaves ``valid_bpc`` in the log after each epoch.

    Averaged per prediction, although the last batch is smaller.
    """
    bpc = aggregation.mean(bits.sum(), bits.size)
    bpc.name = "bpc"
    return Validation([bpc], Shown(stream, "valid"), interrupts, prefix="valid")


def score_run(run, brick, corpus, options, stream, whole_sequence=False):
    """Score the best epoch of a run; print the figures and leave them in its folder.

    A model with population statistics is scored with three kinds of them: the moving
    average that training has kept, which each epoch's validation uses; the batch's own;
    and, for the figures that count, their exact values at these parameters.

    Parameters
    ----------
    run : path-like
    brick : bricks.CharacterModel
        With the parameters of that epoch.
    corpus : datasets.corpus.Corpus
    options : argparse.Namespace
        The run's: the length of the windows and the batch size count.
    stream : DataStream
        An epoch of the training text, to estimate statistics from.
    whole_sequence : bool
        Score the test text as one sequence, too.
    """
    symbols = tensor.imatrix("symbols")

    def windows(score, words=""):
        figures = {}
        for name in ("valid", "test"):
            text = getattr(corpus, name)
            bpc = score(windows_stream(text, options.length, options.batch_size), name)
            figures[f"{name}_bpc"] = bpc
            print(f"{name}  {bpc:.4f} bpc in windows of {options.length}{words}")
        return figures

    infer = bits_per_character(brick.inference_bits(symbols), symbols)
    others, words = {}, ""
    if brick.populations:
        others["moving_average"] = windows(infer, ", statistics: a moving average")
        if not brick.drops:
            own = bits_per_character(brick.bits(symbols), symbols)
            others["batch"] = windows(own, ", statistics: the batch's own")
        estimate_populations(brick, stream)
        words = ", statistics: exact, over an epoch of the training text"
    figures = {**windows(infer, words), **others}
    if whole_sequence:
        figures.update(score_sequence(brick, corpus.test))
    best = read_json(Path(run) / "run.json").get("best")
    epoch = best.get("epoch") if isinstance(best, dict) else None
    figures.update(length=options.length, epoch=epoch)
    write_json(Path(run) / "evaluation.json", figures)


def score_sequence(brick, text):
    """Score a text as one sequence; say so where floating point does not determine it.

    Returns
    -------
    dict
        ``test_sequence_bpc``, and ``test_sequence_apart``, in bits; see
        :func:`experiments.sequence.score`.
    """
    bpc, apart = sequence.score(brick, text)
    determined = apart < 0.5e-4  # half a unit of the last of four digits
    digits = 4 if determined else 1
    print(f"test  {bpc:.{digits}f} bpc as one sequence, {len(text) - 1:,} steps")
    if not determined:
        print(
            "      This score is not determined in floating point: from a start moved "
            f"by {sequence.MOVED[theano.config.floatX]:g} each prediction differs by "
            f"{apart:.2g} bits on average, so another machine will find another score. "
            "Train the model for longer, or compare scores in windows."
        )
    return {"test_sequence_bpc": bpc, "test_sequence_apart": apart}


def estimate_populations(brick, stream):
    """Make population statistics exact, over an epoch of the training stream."""
    symbols = tensor.imatrix("symbols")
    shown = Shown(stream, "population statistics")
    batches = (batch["symbols"] for batch in shown.get_epoch_iterator(as_dict=True))
    population.estimate(brick.populations, brick.bits(symbols), symbols, batches)
