"""Score a DRAW model: the bound on -log p(x), in nats, averaged over images."""

import numpy
import theano
from blocks.extensions import SimpleExtension
from theano import tensor

from datasets import noise
from datasets.mnist import image_stream
from training.progress import Shown

SPLITS = {"valid": noise.VALID, "test": noise.TEST}
FIGURES = ("nll", "reconstruction", "kl")


class Bound:
    """The compiled bound of a model, with noise from a seed.

    The noise of a batch depends on the number of the noise sample and not on the
    epoch, so that figures of different epochs differ by the model alone.

    Parameters
    ----------
    brick : bricks.draw.DrawModel
    images : datasets.mnist.Images
    glimpses, batch_size, seed : int
    """

    def __init__(self, brick, images, glimpses, batch_size, seed):
        self.images = images
        self.batch_size = batch_size
        self.seed = seed
        self.shape = glimpses, brick.latent_dim
        x, u = tensor.matrix("x"), tensor.tensor3("u")
        reconstruction, divergence, log_weights, logits = brick.bound(x, u)
        self._compute = theano.function(
            [x, u],
            [
                reconstruction.sum(dtype="float64"),
                divergence.sum(axis=1, dtype="float64"),
                log_weights,
                tensor.nnet.sigmoid(logits),
            ],
        )

    def _noise(self, number, **position):
        glimpses, latent_dim = self.shape
        return noise.normal((glimpses, number, latent_dim), self.seed, **position)

    def _batches(self, split, description):
        """Yield number and pixels of the batches of a split."""
        stream = image_stream(getattr(self.images, split), self.batch_size)
        shown = Shown(stream, description).get_epoch_iterator(as_dict=True)
        for number, batch in enumerate(shown):
            yield number, batch["features"]

    def score(self, split, sample=0):
        """The bound with one sample of z for each image.

        Parameters
        ----------
        split : {'valid', 'test'}
        sample : int
            Number of the noise sample.

        Returns
        -------
        dict
            ``nll``, ``reconstruction`` and, for each glimpse, ``kl``.
        """
        number = reconstruction = kl = 0
        for batch, x in self._batches(split, split):
            u = self._noise(len(x), purpose=SPLITS[split], sample=sample, batch=batch)
            sums = self._compute(x, u)[:2]
            number += len(x)
            reconstruction, kl = reconstruction + sums[0], kl + sums[1]
        reconstruction, kl = reconstruction / number, kl / number
        values = (reconstruction + kl.sum(), reconstruction, kl)
        return dict(zip(FIGURES, values))

    def importance_weighted(self, split, samples):
        """-log of the mean of `samples` importance weights, averaged over images.

        Burda et al. 2016 (arXiv:1509.00519), eq. 8. With one sample this is a
        noisier estimate of the bound; more samples make it tighter.
        """
        number = total = 0
        for batch, x in self._batches(split, f"{split}, K={samples}"):
            log_mean = -numpy.inf
            for sample in range(samples):
                u = self._noise(
                    len(x), purpose=SPLITS[split], sample=sample, batch=batch
                )
                log_weights = self._compute(x, u)[2].astype("float64")
                log_mean = numpy.logaddexp(log_mean, log_weights - numpy.log(samples))
            number, total = number + len(x), total - log_mean.sum()
        return total / number

    def reconstruct(self, x):
        """Probabilities of the pixels of images (batch, pixels), given themselves."""
        return self._compute(x, self._noise(len(x), purpose=noise.PICTURES))[3]


class Monitor(SimpleExtension):
    """After every epoch, leave the validation and the test bound in the log.

    Parameters
    ----------
    make_bound : callable
        Returns the :class:`Bound`; called when training starts, as it compiles.
    interrupts : training.interrupt.Interrupts
        A signal stops the evaluation at once.
    """

    #: In the order of ``metrics.jsonl``, after the training figure.
    METRICS = tuple(f"{split}_{figure}" for figure in FIGURES for split in SPLITS)

    def __init__(self, make_bound, interrupts):
        self.make_bound = make_bound
        self.interrupts = interrupts
        self.bound = None
        super().__init__(before_training=True, after_epoch=True)

    def do(self, which_callback, *args):
        with self.interrupts.at_once():
            if which_callback == "before_training":
                self.bound = self.make_bound()
                return
            for split in SPLITS:
                for figure, value in self.bound.score(split).items():
                    self.main_loop.log.current_row[f"{split}_{figure}"] = value


def evaluate(bound, noise_samples, importance_samples=None):
    """Score with several noise samples, and print the figures.

    Returns
    -------
    dict
        For each split the mean over the noise samples of ``nll``,
        ``reconstruction`` and ``kl``; ``nll_error``, the standard error of that
        mean, from the spread over the samples (None for a single one); and
        ``importance_nll`` where asked for.
    """
    figures = {"noise_samples": noise_samples, "importance_samples": importance_samples}
    for split in SPLITS:
        scores = [bound.score(split, sample) for sample in range(noise_samples)]
        means = {
            figure: numpy.mean([score[figure] for score in scores], axis=0).tolist()
            for figure in FIGURES
        }
        error = None
        if noise_samples > 1:
            spread = numpy.std([score["nll"] for score in scores], ddof=1)
            error = float(spread / noise_samples**0.5)
        figures.update({f"{split}_{figure}": mean for figure, mean in means.items()})
        figures[f"{split}_nll_error"] = error
        print(
            f"{split:5s}  {means['nll']:.3f}"
            + (f" +- {error:.3f}" if error is not None else "")
            + f" nats ({noise_samples} noise samples): reconstruction "
            f"{means['reconstruction']:.3f}, KL {sum(means['kl']):.3f}",
            flush=True,
        )
        if importance_samples:
            tighter = float(bound.importance_weighted(split, importance_samples))
            figures[f"{split}_importance_nll"] = tighter
            print(
                f"{split:5s}  {tighter:.3f} nats with {importance_samples} samples "
                "weighted by importance",
                flush=True,
            )
    return figures
