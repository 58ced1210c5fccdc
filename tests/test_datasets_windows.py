"""Windows, offsets, order and resuming, on made-up symbols."""

import numpy
import pytest
from blocks.extensions import FinishAfter
from blocks.main_loop import MainLoop
from fuel.schemes import SequentialScheme
from fuel.streams import DataStream
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import RunError
from datasets.corpus import Corpus
from datasets.ptb import training_stream, windows_stream
from datasets.streams import batches
from datasets.windows import Windows

# The batches of the first two epochs for 100 symbols, length 10, batch size 5, seed 1.
EPOCH_0 = [[25, 55, 85, 35, 65], [75, 15, 45, 5]]
EPOCH_1 = [[5, 65, 25, 75, 55], [85, 35, 15, 45]]


def corpus_of(size):
    """Symbols that show where they come from, as far as a byte can."""
    symbols = (numpy.arange(size) % 251).astype("uint8")
    return Corpus("counting", "", (symbols, symbols, symbols), {})


def epoch_of(stream):
    return [batch["symbols"] for batch in stream.get_epoch_iterator(as_dict=True)]


def starts_of(stream, epoch):
    return numpy.concatenate(stream.plan(epoch))


def test_batches_have_time_first_and_are_int32():
    first = epoch_of(training_stream(corpus_of(1000), length=10, batch_size=8))[0]
    assert first.shape == (10, 8)
    assert first.dtype == "int32"
    # Consecutive symbols go down the first axis.
    assert ((first[1:] - first[:-1]) % 251 == 1).all()


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 50),
    whole=st.integers(2, 40),
    rest=st.integers(0, 49),
    batch_size=st.integers(1, 50),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 1000),
)
def test_an_epoch_is_a_partition(length, whole, rest, batch_size, seed, epoch):
    size = whole * length + rest % length
    stream = training_stream(corpus_of(size), length, batch_size, seed)
    stream.epoch = epoch
    starts = numpy.sort(starts_of(stream, epoch))
    assert len(starts) == whole - 1
    assert (numpy.diff(starts) == length).all()
    assert 0 <= starts[0] < length
    assert starts[-1] + length <= size
    shapes = [batch.shape for batch in epoch_of(stream)]
    assert all(shape == (length, batch_size) for shape in shapes[:-1])
    assert sum(number for _, number in shapes) == whole - 1
    assert len(shapes) == stream.batches_per_epoch == -(-(whole - 1) // batch_size)


def test_batches_hold_the_symbols_at_the_planned_positions():
    corpus = corpus_of(2000)
    stream = training_stream(corpus, length=7, batch_size=32, seed=3)
    for starts, batch in zip(stream.plan(0), epoch_of(stream)):
        for column, start in enumerate(starts):
            assert (batch[:, column] == corpus.train[start : start + 7]).all()


def test_offset_and_order_differ_between_epochs_and_seeds():
    stream = training_stream(corpus_of(10_000), length=100, seed=1)
    offsets = [starts_of(stream, epoch).min() for epoch in range(50)]
    # 50 draws from 100 offsets: about 39 distinct ones are expected.
    assert len(set(offsets)) > 25
    orders = [tuple(starts_of(stream, e) // 100) for e in range(20)]
    assert len(set(orders)) == 20
    other = training_stream(corpus_of(10_000), length=100, seed=2)
    assert (starts_of(stream, 0) != starts_of(other, 0)).any()


def test_every_offset_occurs_and_no_other():
    stream = training_stream(corpus_of(60), length=5)
    offsets = {starts_of(stream, epoch).min() for epoch in range(200)}
    assert offsets == set(range(5))


def test_order_is_the_same_in_every_version():
    """Computed once; a change would make old runs unrepeatable."""
    stream = training_stream(corpus_of(100), length=10, batch_size=5, seed=1)
    found = [[part.tolist() for part in stream.plan(epoch)] for epoch in (0, 1)]
    assert found == [EPOCH_0, EPOCH_1]


def test_seed_and_epoch_are_all_there_is():
    corpus = corpus_of(3000)
    first = training_stream(corpus, length=10, seed=5)
    epochs = [epoch_of(first) for _ in range(3)]
    numpy.random.seed(0)
    stream = training_stream(corpus, length=10, seed=5)
    stream.epoch = 2
    again = epoch_of(stream)
    assert len(again) == len(epochs[2])
    for one, other in zip(again, epochs[2]):
        assert (one == other).all()


@settings(max_examples=30, deadline=None)
@given(stop=st.integers(0, 25), limit=st.one_of(st.none(), st.integers(1, 9)))
def test_resuming_gives_what_would_have_come(stop, limit):
    corpus = corpus_of(560)
    options = {"length": 10, "batch_size": 8, "seed": 2, "batches_per_epoch": limit}

    def take(stream, number):
        taken = []
        while len(taken) < number:
            for batch in stream.get_epoch_iterator(as_dict=True):
                taken.append(batch["symbols"])
                if len(taken) == number:
                    break
        return taken

    whole = take(training_stream(corpus, **options), 30)
    stream = training_stream(corpus, **options)
    start = take(stream, stop)
    resumed = training_stream(corpus, **options)
    resumed.epoch, resumed.batch = stream.epoch, stream.batch
    rest = take(resumed, 30 - stop)
    for one, other in zip(whole, start + rest):
        assert one.shape == other.shape and (one == other).all()


def test_position():
    stream = training_stream(corpus_of(560), length=10, batch_size=20)
    assert (stream.epoch, stream.batch, stream.batches_per_epoch) == (0, 0, 3)
    iterator = stream.get_epoch_iterator(as_dict=True)
    positions = []
    for _ in iterator:
        positions.append((stream.epoch, stream.batch))
    assert positions == [(0, 1), (0, 2), (0, 3)]
    assert (stream.epoch, stream.batch) == (1, 0)


def test_resuming_after_an_epochs_last_batch_ends_that_epoch():
    stream = training_stream(corpus_of(560), length=10, batch_size=20)
    stream.batch = 3
    assert epoch_of(stream) == []
    assert (stream.epoch, stream.batch) == (1, 0)
    assert len(epoch_of(stream)) == 3


def test_an_iterator_given_up_ends_its_epoch():
    stream = training_stream(corpus_of(560), length=10, batch_size=20)
    next(stream.get_epoch_iterator())
    next(stream.get_epoch_iterator())
    assert (stream.epoch, stream.batch) == (1, 1)
    stream.reset()
    assert (stream.epoch, stream.batch) == (0, 0)


class Collect:
    """Trains nothing, but remembers its batches."""

    def __init__(self):
        self.seen = []

    def initialize(self, **kwargs):
        pass

    def process_batch(self, batch):
        self.seen.append(batch["symbols"])


def test_main_loop_trains_on_the_stream():
    corpus = corpus_of(560)
    algorithm = Collect()
    stream = training_stream(corpus, length=10, batch_size=20)
    MainLoop(algorithm, stream, extensions=[FinishAfter(after_n_epochs=2)]).run()
    assert (stream.epoch, stream.batch) == (2, 0)
    other = training_stream(corpus, length=10, batch_size=20)
    expected = epoch_of(other) + epoch_of(other)
    assert len(algorithm.seen) == len(expected) == 6
    for one, two in zip(algorithm.seen, expected):
        assert (one == two).all()


def test_windows_in_order_with_the_last_partial_batch():
    symbols = corpus_of(1234).valid
    stream = windows_stream(symbols, length=100, batch_size=5)
    shapes = [batch.shape for batch in epoch_of(stream)]
    assert shapes == [(100, 5), (100, 5), (100, 2)]
    text = numpy.concatenate([batch.T.ravel() for batch in epoch_of(stream)])
    assert (text == symbols[:1200]).all()


def test_windows_are_a_fuel_dataset():
    dataset = Windows(corpus_of(100).train, 10)
    assert dataset.num_examples == 10
    assert dataset.axis_labels == {"symbols": ("time", "batch")}
    # Fuel's own streams and schemes can ask for windows, overlapping ones too.
    stream = DataStream(dataset, iteration_scheme=SequentialScheme(91, 7))
    first = next(stream.get_epoch_iterator(as_dict=True))["symbols"]
    assert (first == numpy.arange(10)[:, None] + numpy.arange(7)).all()


def test_no_window_is_stored():
    corpus = corpus_of(1000)
    stream = training_stream(corpus, length=10)
    assert numpy.shares_memory(stream.dataset.symbols, corpus.train)


@pytest.mark.parametrize("size", [0, 50, 99, 100, 199])
def test_too_short_for_training(size):
    with pytest.raises(RunError, match="smaller length"):
        training_stream(corpus_of(size), length=100)


def test_shortest_texts_that_will_do():
    assert training_stream(corpus_of(200), length=100).batches_per_epoch == 1
    assert windows_stream(corpus_of(100).valid, length=100).batches_per_epoch == 1
    with pytest.raises(RunError, match="too few"):
        windows_stream(corpus_of(99).valid, length=100)


@pytest.mark.parametrize(
    "options",
    [
        {"length": 0},
        {"batch_size": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"batches_per_epoch": 0},
    ],
)
def test_senseless_numbers(options):
    with pytest.raises(ValueError, match=list(options)[-1]):
        training_stream(corpus_of(1000), **{"length": 10, "batch_size": 7, **options})


def test_batches_keep_the_rest():
    assert batches([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert batches([], 2) == []
