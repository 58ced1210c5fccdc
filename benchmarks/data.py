"""How fast the data come, without a model: ``python -m benchmarks.data``.

In a process of its own, because Fuel imports Theano.
"""

import argparse
import sys
import time

from benchmarks.processes import Process, environment
from benchmarks.serve import answer
from common import theano_flags
from common.bars import bar
from common.errors import RunError

BATCHES, QUICK = 391, 20


def ptb_stream(data_dir):
    from datasets.ptb import open_ptb, open_sample, training_stream

    try:
        corpus = open_ptb(data_dir)
    except RunError:
        corpus = open_sample()
    return corpus.name, training_stream(corpus)


def draw_stream(data_dir):
    from datasets.mnist import image_stream, open_binarized_mnist, open_sample_digits
    from datasets.noise import WithNoise

    try:
        images = open_binarized_mnist(data_dir)
    except RunError:
        images = open_sample_digits()
    stream = image_stream(images.train)
    return images.name, WithNoise(stream, glimpses=64, latent_dim=100, seed=1)


def measure(make, data_dir, batches):
    """Seconds per batch at the published sizes, the starts of epochs included."""
    source, stream = make(data_dir)
    done, since = 0, time.perf_counter()
    while done < batches:
        for _ in stream.get_epoch_iterator(as_dict=True):
            done += 1
            if done == batches:
                break
    mean = (time.perf_counter() - since) / done
    return {"source": source, "mean": mean, "batches": done}


def data(options, measured):
    """The data of both experiments.

    From the real data where they have been converted, else from the built-in sample;
    the result says which.
    """
    command = [sys.executable, "-m", "benchmarks.data"]
    command += ["--batches", str(QUICK if options.quick else BATCHES)]
    if options.data_dir:
        command += ["--data-dir", options.data_dir]
    with bar(1, "data", unit=" runs"):
        process = Process(command, environment(options.threads))
    process.close()
    measured.update(process.facts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("--data-dir")
    options = parser.parse_args()
    theano_flags.configure()
    streams = {"ptb": ptb_stream, "draw": draw_stream}
    answer(
        **{
            name: measure(make, options.data_dir, options.batches)
            for name, make in streams.items()
        }
    )


if __name__ == "__main__":
    main()
