"""The two data sets of the paper: download, convert, stream.

The API the experiments use::

    from datasets.ptb import (
        open_ptb, open_sample, training_stream, windows_stream,
    )

    corpus = open_ptb(data_dir=None)    # or open_sample(): no files needed
    corpus.name                         # 'ptb' or 'sample'
    corpus.vocabulary                   # list of one-character strings
    corpus.train, corpus.valid, corpus.test     # uint8 arrays
    corpus.checksums                    # {file name: SHA-256}
    corpus.encode(text), corpus.decode(symbols)

    stream = training_stream(corpus, length=100, batch_size=64, seed=1,
                             batches_per_epoch=None)
    stream.epoch, stream.batch          # position of the batch that comes next
    stream.batches_per_epoch
    windows_stream(corpus.valid, length=100, batch_size=64)     # in order

    from datasets.mnist import (
        open_binarized_mnist, open_sample_digits, image_stream,
    )

    images = open_binarized_mnist(data_dir=None)    # or open_sample_digits()
    images.train, images.valid, images.test     # uint8, (number, 784)
    images.name, images.checksums
    image_stream(images.train, batch_size=128, batches_per_epoch=None)

Streams are Fuel data streams: ``get_epoch_iterator(as_dict=True)`` gives
``{'symbols': (time, batch) int32}`` or ``{'features': (batch, 784) floatX}``.

To resume, build the stream again and set its ``epoch`` and ``batch`` to those that
were saved; nothing else needs saving, since an epoch's offset and order depend on
the seed and the epoch's number only. The position moves to ``(epoch + 1, 0)`` when
the epoch's iterator is exhausted. Saved right after an epoch's last batch it is
``(epoch, batches_per_epoch)``, and the first iterator after resuming is then empty:
what is left of that epoch.

``python -m datasets --help`` shows how the files are got.
"""
