"""How fast the data come, without a model."""

import time

from training.bars import bar


def ptb_stream(options):
    from datasets import DataError
    from datasets.ptb import open_ptb, open_sample, training_stream

    try:
        corpus = open_ptb(options.data_dir)
    except DataError:
        corpus = open_sample()
    return corpus.name, training_stream(corpus)


def draw_stream(options):
    from datasets import DataError
    from datasets.mnist import image_stream, open_binarized_mnist, open_sample_digits
    from training.noise import WithNoise

    try:
        images = open_binarized_mnist(options.data_dir)
    except DataError:
        images = open_sample_digits()
    return images.name, WithNoise(image_stream(images.train), 64, 100, seed=1)


def data(options, found):
    """Seconds per batch at the published sizes, the start of an epoch included.

    From the real data where they have been converted, else from the built-in sample;
    the result says which.
    """
    batches = 20 if options.quick else 791
    for name, make in {"ptb": ptb_stream, "draw": draw_stream}.items():
        source, stream = make(options)
        done, since = 0, time.perf_counter()
        with bar(batches, f"data, {name}", unit=" batches") as shown:
            while done < batches:
                for _ in stream.get_epoch_iterator(as_dict=True):
                    done += 1
                    shown.update()
                    if done == batches:
                        break
        seconds = time.perf_counter() - since
        found[name] = {"source": source, "median": seconds / done, "batches": done}
