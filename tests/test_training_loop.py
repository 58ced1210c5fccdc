"""Resume, signals, the log and faults of the training loop, on a tiny model."""

import json
import os
import signal

import numpy
import pytest
import theano
from blocks.algorithms import Adam, CompositeRule, GradientDescent, StepClipping
from blocks.extensions import FinishAfter, SimpleExtension
from blocks.main_loop import MainLoop
from blocks.monitoring import aggregation
from blocks.roles import WEIGHT, add_role
from theano import tensor
from theano.sandbox.rng_mrg import MRG_RandomStreams

from bricks import BatchNorm
from common.errors import RunError, UsageError
from datasets.corpus import Corpus
from datasets.ptb import training_stream, windows_stream
from experiments import population
from runs import state
from runs.folder import RunFolder, discard
from training import extensions, plots, schedule
from training.interrupt import Interrupted, Interrupts
from training.loop import run_main_loop
from training.progress import Progress, Shown

SYMBOLS, LENGTH, BATCH = 5, 4, 8
CONFIGURATION = {"units": 3, "epochs": 3}


def corpus():
    random = numpy.random.RandomState(7)
    # 28 windows to train on: three batches of 8 and one of 4.
    splits = [random.randint(SYMBOLS, size=size) for size in (117, 50, 50)]
    return Corpus("tiny", "abcde", [s.astype("uint8") for s in splits], {})


class SignalAt(SimpleExtension):
    """Send this process a signal when so many updates are done."""

    def __init__(self, updates, number=signal.SIGINT):
        self.updates, self.number = updates, number
        super().__init__(after_batch=True)

    def do(self, *args):
        if self.main_loop.log.status["iterations_done"] == self.updates:
            os.kill(os.getpid(), self.number)


class SignalInStream:
    """A stream that sends this process a signal at its first batch."""

    def __init__(self, stream):
        self.stream = stream
        self.armed = True

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def get_epoch_iterator(self, **kwargs):
        for batch in self.stream.get_epoch_iterator(**kwargs):
            if self.armed:
                self.armed = False
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch


class Loop:
    """A bigram model with noise on its weights, trained as the experiments are."""

    def __init__(
        self,
        path,
        epochs=3,
        resume=False,
        first=(),
        extra=(),
        wrap=None,
        minutes=10,
        rate=0.1,
        patience=None,
    ):
        self.interrupts = Interrupts()
        self.epochs = epochs
        configuration = {**CONFIGURATION, "epochs": epochs, "patience": patience}
        self.folder = RunFolder(path, configuration, resume)
        self.history = history = self.folder.history
        self.W = theano.shared(numpy.zeros((SYMBOLS, SYMBOLS)), name="W")
        add_role(self.W, WEIGHT)
        symbols = tensor.imatrix("symbols")
        noise = MRG_RandomStreams(seed=5).normal((SYMBOLS, SYMBOLS), std=0.1)
        self.bits = bits = self.score(self.W + noise, symbols)
        cost = bits.mean()
        adam = Adam(rate)
        self.algorithm = GradientDescent(
            cost=cost,
            parameters=[self.W],
            step_rule=CompositeRule([StepClipping(1.0), adam]),
        )
        self.meter = meter = extensions.Meter(
            self.algorithm, cost, history, {"W": self.W}
        )
        self.variables = variables = state.variables(
            self.algorithm, {"W": self.W}, adam.learning_rate
        )
        stream = training_stream(corpus(), LENGTH, BATCH, seed=3)
        valid = windows_stream(corpus().valid, LENGTH, BATCH)
        clean = self.score(self.W, symbols)
        valid_bpc = aggregation.mean(clean.sum(), clean.size)
        valid_bpc.name = "bpc"
        self.checkpoint = extensions.Checkpoint(
            lambda: self.folder.save_state(variables), history, self.interrupts, minutes
        )
        self.main_loop = MainLoop(
            self.algorithm,
            stream,
            extensions=[
                *first,
                extensions.TakeSignals(self.interrupts),
                extensions.Forget(),
                extensions.Resume(history, variables, self.folder.values(variables)),
                schedule.modifier(adam.learning_rate, "inverse", rate, 0.01),
                meter,
                extensions.Validation(
                    [valid_bpc],
                    wrap(valid) if wrap else Shown(valid, "valid"),
                    self.interrupts,
                    prefix="valid",
                ),
                extensions.Record(
                    history,
                    meter,
                    ["train_bpc", "valid_bpc"],
                    keep=lambda: self.folder.save_best({"/tiny.W": self.W}),
                ),
                self.checkpoint,
                Progress(history, meter, epochs, stream.batches_per_epoch, "bpc"),
                FinishAfter().add_condition(
                    ["after_epoch"], lambda log: self.folder.ending
                ),
                *extra,
                extensions.StopOnSignal(self.interrupts),
            ],
        )

    @staticmethod
    def score(weights, symbols):
        probabilities = tensor.nnet.softmax(weights[symbols[:-1].flatten()])
        picked = probabilities[
            tensor.arange(probabilities.shape[0]), symbols[1:].flatten()
        ]
        return -tensor.log2(picked)

    def run(self):
        with self.interrupts, self.folder:
            run_main_loop(self.main_loop, self.checkpoint, self.interrupts)
        return self

    @property
    def result(self):
        """Everything that must be equal, bit for bit."""
        arrays = {n: v.get_value().tobytes() for n, v in self.variables.items()}
        rows = [
            {k: v for k, v in r.items() if k != "seconds"} for r in self.history.rows
        ]
        return arrays, rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing disturbed."""
    return Loop(tmp_path_factory.mktemp("whole") / "run").run()


def rows_on_disk(path):
    return [
        json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()
    ]


def test_resume_after_an_epoch(whole, tmp_path):
    Loop(tmp_path / "run", epochs=1).run()
    assert len(rows_on_disk(tmp_path / "run")) == 1
    again = Loop(tmp_path / "run", resume=True).run()
    assert again.result == whole.result


@pytest.mark.parametrize("updates", [1, 4, 6])
def test_resume_after_a_signal_while_training(whole, tmp_path, updates):
    # Update 4 is the last of the first epoch: what is left of it is nothing.
    stopped = Loop(tmp_path / "run", extra=[SignalAt(updates)])
    with pytest.raises(Interrupted) as caught:
        stopped.run()
    assert caught.value.args[0] == signal.SIGINT
    assert stopped.history.updates == updates
    assert (
        json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "stopped"
    )
    assert Loop(tmp_path / "run", resume=True).run().result == whole.result


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_blocks_has_got_first_is_not_lost(tmp_path, number):
    """Between the start of its main loop and that of the extensions."""

    class Early(SimpleExtension):
        def do(self, *args):
            os.kill(os.getpid(), number)

    stopped = Loop(tmp_path / "run", first=[Early(before_training=True)])
    with pytest.raises(Interrupted) as caught:
        stopped.run()
    assert caught.value.args[0] == number
    assert (stopped.history.updates, stopped.history.epoch) == (0, 0)


def test_resume_after_a_signal_in_validation(whole, tmp_path):
    stopped = Loop(tmp_path / "run", wrap=SignalInStream)
    with pytest.raises(Interrupted) as caught:
        stopped.run()
    assert caught.value.args[0] == signal.SIGTERM
    # At once: the epoch is trained, and has no row.
    assert (stopped.history.updates, stopped.history.epoch) == (4, 0)
    assert Loop(tmp_path / "run", resume=True).run().result == whole.result


def test_resume_many_times(whole, tmp_path):
    for updates in range(1, 12):
        try:
            Loop(tmp_path / "run", resume=updates > 1, extra=[SignalAt(updates)]).run()
        except Interrupted:
            pass
    assert Loop(tmp_path / "run", resume=True).run().result == whole.result


def test_patience(tmp_path):
    """At a learning rate of 0 no epoch is better than the first."""
    whole = Loop(tmp_path / "whole", epochs=9, rate=0.0, patience=2).run()
    assert whole.history.epoch == 3 and whole.history.best["epoch"] == 1
    facts = json.loads((tmp_path / "whole" / "run.json").read_text())
    assert (facts["status"], facts["ended_by"]) == ("finished", "patience")

    # It is counted over resumptions: after a stop in the second epoch that brought
    # nothing, one more is not done.
    path, stop = tmp_path / "stopped", [SignalAt(9)]
    with pytest.raises(Interrupted):
        Loop(path, epochs=9, rate=0.0, patience=2, extra=stop).run()
    again = Loop(path, epochs=9, rate=0.0, patience=2, resume=True).run()
    assert again.result == whole.result
    again = Loop(path, epochs=9, rate=0.0, patience=2, resume=True)
    assert again.folder.finished()

    # With more of it the run goes on, and so with fewer epochs than it would wait.
    longer = Loop(path, epochs=9, rate=0.0, patience=3, resume=True).run()
    assert longer.history.epoch == 4
    ended = Loop(path, epochs=5, rate=0.0, patience=9, resume=True).run()
    assert ended.history.epoch == 5 and ended.folder.ending == "epochs"


def test_blocks_log_does_not_grow(whole):
    assert len(whole.main_loop.log) <= 2
    assert whole.history.updates == 12


def test_seconds_accumulate(tmp_path):
    with pytest.raises(Interrupted):
        Loop(tmp_path / "run", extra=[SignalAt(2)]).run()
    resumed = Loop(tmp_path / "run", resume=True)
    before = resumed.history.seconds
    assert before > 0
    resumed.run()
    assert resumed.history.rows[0]["seconds"] >= round(before, 3)


def test_the_log_is_the_mean_over_updates_and_over_predictions(whole):
    """`train_bpc` and `valid_bpc` against NumPy, with the noise left out."""
    rows, weights = whole.history.rows, whole.W.get_value()
    symbols = corpus().valid[: 50 // LENGTH * LENGTH].reshape(-1, LENGTH)
    logits = weights[symbols[:, :-1]]
    log_p = logits - numpy.log2(numpy.exp(logits).sum(-1, keepdims=True)) * numpy.log(2)
    bits = -numpy.take_along_axis(log_p, symbols[:, 1:, None].astype(int), -1)
    numpy.testing.assert_allclose(
        rows[-1]["valid_bpc"], bits.mean() / numpy.log(2), rtol=1e-12
    )
    assert [row["updates"] for row in rows] == [4, 8, 12]
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def test_train_bpc_is_the_mean_over_updates(tmp_path):
    class Costs(SimpleExtension):
        def __init__(self):
            self.seen = []
            super().__init__(after_batch=True)

        def do(self, *args):
            self.seen.append(float(loop.meter.cost.get_value()))

    costs = Costs()
    loop = Loop(tmp_path / "run", epochs=2, extra=[costs])
    loop.run()
    for row, seen in zip(loop.history.rows, (costs.seen[:4], costs.seen[4:])):
        numpy.testing.assert_allclose(row["train_bpc"], numpy.mean(seen), rtol=1e-14)


def test_what_a_run_leaves(whole):
    path = whole.folder.path
    assert sorted(p.name for p in path.iterdir()) == [
        "best.npz",
        "lock",
        "metrics.jsonl",
        "run.json",
        "state.npz",
        "state.previous.npz",
    ]
    assert rows_on_disk(path) == whole.history.rows
    facts = json.loads((path / "run.json").read_text())
    assert facts["status"] == "finished"
    best = min(whole.history.rows, key=lambda row: row["valid_bpc"])
    assert facts["best"] == best
    with numpy.load(str(path / "best.npz"), allow_pickle=False) as file:
        assert file.files == ["/tiny.W"]
        if best is whole.history.rows[-1]:
            assert (file["/tiny.W"] == whole.W.get_value()).all()
    plots.curves(path / "plot.png", whole.history.rows, "bpc", "tiny")
    assert (path / "plot.png").read_bytes().startswith(b"\x89PNG")
    (path / "plot.png").unlink()


def test_a_lost_loss_stops_the_run_and_keeps_the_last_good_state(tmp_path):
    class Spoil(SimpleExtension):
        def do(self, *args):
            loop.W.set_value(numpy.full((SYMBOLS, SYMBOLS), numpy.nan))

    loop = Loop(tmp_path / "run", extra=[Spoil(after_n_batches=6)])
    with pytest.raises(extensions.Diverged) as caught:
        loop.run()
    said = str(caught.value)
    assert "update 7 of epoch 2 has cost nan and gradient norm nan; the update" in said
    cost, norm = loop.meter.last
    assert f"before had cost {cost:g} and gradient norm {norm:g};" in said
    assert 0 < cost < 3 and 0 < norm < 3
    arrays, _ = state.read(tmp_path / "run" / "state.npz")
    size = numpy.linalg.norm(arrays["0000 W"])
    assert f"had norm {size:g}, the largest W {size:g}; the last good state" in said
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["status"] == "diverged" and "update 7" in facts["error"]
    arrays, content = state.read(tmp_path / "run" / "state.npz")
    assert content["history"]["updates"] == 4
    assert all(numpy.isfinite(array).all() for array in arrays.values())


def test_a_full_disk_stops_the_run_and_keeps_the_last_good_state(tmp_path, monkeypatch):
    Loop(tmp_path / "run", epochs=1).run()
    loop = Loop(tmp_path / "run", resume=True)
    fsync = os.fsync

    def full(descriptor):
        if loop.history.updates > 4:
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        loop.run()
    monkeypatch.undo()
    assert Loop(tmp_path / "run", resume=True).history.updates == 4


def test_an_existing_folder_is_refused_without_resume(whole):
    with pytest.raises(UsageError, match="--resume"):
        Loop(whole.folder.path)


def test_another_configuration_is_refused_by_name(whole):
    with pytest.raises(UsageError, match=r"--units \(was 3, now 4\)") as caught:
        RunFolder(whole.folder.path, {"units": 4, "epochs": 9}, resume=True)
    assert "epochs" not in str(caught.value)


def test_a_folder_in_use_is_refused(tmp_path):
    folder = RunFolder(tmp_path / "run", {"epochs": 1}, resume=False)
    with folder, pytest.raises(RunError, match=f"process {os.getpid()}"):
        RunFolder(tmp_path / "run", {"epochs": 1}, resume=True)
    RunFolder(tmp_path / "run", {"epochs": 1}, resume=True)


def test_a_strange_folder_is_refused(tmp_path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UsageError, match="not a run folder"):
        RunFolder(tmp_path, {}, resume=True)


def test_only_run_folders_are_discarded(tmp_path):
    discard(tmp_path / "nothing")
    folder = RunFolder(tmp_path / "run", {"epochs": 1}, resume=False)
    with folder, pytest.raises(RunError, match="another program"):
        discard(tmp_path / "run")
    discard(tmp_path / "run")
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UsageError, match="not a run folder"):
        discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_the_state_of_another_model_is_refused(whole):
    folder = RunFolder(whole.folder.path, CONFIGURATION, resume=True)
    variables = dict(whole.variables)
    name = next(iter(variables))
    variables[name] = theano.shared(numpy.zeros(2), name="W")
    with folder, pytest.raises(RunError, match="another version"):
        folder.values(variables)


def test_population_statistics_are_estimated_in_single_precision_too():
    """The moving average's rates 1, 1/2, 1/3 make it the mean; they are put back."""
    norm = BatchNorm(dim=1, length=2, gamma=0.1)
    norm.initialize()
    rate = norm.population.rate = theano.shared(numpy.float32(0.05), name="rate")
    symbols = tensor.imatrix("symbols")
    x = tensor.shape_padright(tensor.cast(symbols, theano.config.floatX))
    output = norm.apply(x, training=True)
    values = numpy.random.RandomState(3).randint(9, size=(4, 2, 5)).astype("int32")
    seen = []

    def batches():
        # A batch is asked for before its rate is set: this sees the one before.
        for batch in values:
            seen.append(rate.get_value())
            yield batch

    population.estimate([norm.population], output.sum(), symbols, batches())
    expected = numpy.array([0.05, 1, 1 / 2, 1 / 3], dtype="float32")
    numpy.testing.assert_array_equal(seen, expected)
    assert rate.get_value() == numpy.float32(0.05)
    numpy.testing.assert_allclose(
        norm.population.mean.get_value()[:, 0], values.mean(axis=(0, 2)), rtol=1e-6
    )
