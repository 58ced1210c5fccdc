"""The two data sets of the paper: download, convert, stream.

``datasets.ptb``: ``open_ptb`` or ``open_sample``, which needs no files, give a
`datasets.corpus.Corpus`; ``training_stream`` and ``windows_stream`` its batches,
``{'symbols': (time, batch) int32}``. ``datasets.mnist``: ``open_binarized_mnist`` or
``open_sample_digits`` give `datasets.mnist.Images`; ``image_stream`` their batches,
``{'features': (batch, 784) floatX}``. Streams are Fuel data streams, and
``get_epoch_iterator(as_dict=True)`` gives these dictionaries.

To resume, build the stream again and set its ``epoch`` and ``batch`` to those that
were saved; nothing else needs saving, since an epoch's offset and order depend on
the seed and the epoch's number only. The position moves to ``(epoch + 1, 0)`` when
the epoch's iterator is exhausted. Saved right after an epoch's last batch it is
``(epoch, batches_per_epoch)``, and the first iterator after resuming is then empty:
what is left of that epoch.

``python -m datasets --help`` shows how the files are got.
"""
