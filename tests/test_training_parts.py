"""Schedules, options, durations and signals."""

import os
import signal
import subprocess
import sys
import time

import pytest

import quick
from experiments import ptb_options
from training import schedule
from training.interrupt import Interrupted, Interrupts
from training.progress import duration


@pytest.mark.parametrize(
    "name, rates",
    [
        ("inverse", [0.1, 0.1 / 1.5, 0.05]),
        ("exponential", [0.1, 0.05, 0.025]),
        ("none", [0.1, 0.1, 0.1]),
    ],
)
def test_schedules(name, rates):
    for updates, expected in enumerate(rates):
        assert schedule.rate(name, 0.1, 0.5, updates) == pytest.approx(expected, 1e-14)


def test_schedules_as_published():
    # The exponential one is down to 2% after five epochs of 791.
    left = schedule.rate("exponential", 1.0, 1e-3, 5 * 791)
    assert 0.015 < left < 0.025
    assert schedule.rate("inverse", 2e-3, 1e-3, 1000) == pytest.approx(1e-3)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="linear"):
        schedule.rate("linear", 0.1, 0.5, 1)


def test_published_defaults():
    options = ptb_options.parse([])
    assert (options.model, options.units, options.epochs) == ("norm_prop", 1000, 50)
    assert (options.batch_size, options.length, options.seed) == (64, 100, 1)
    assert (options.learning_rate, options.decay) == (2e-3, 1e-3)
    assert (options.decay_schedule, options.clipping) == ("inverse", 1.0)
    assert (options.moments, options.compensation) == ("printed", "paper")
    assert (options.softmax_gamma, options.forget_bias) == (1.0, 1.0)
    assert options.gamma_x is options.gamma_h is options.gamma_c is None


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ("--units 0", "--units: must be at least 1"),
        ("--units many", "'many' is not a whole number"),
        ("--length 1", "--length: must be at least 2"),
        ("--learning-rate 0", "must be above 0"),
        ("--learning-rate nan", "must be above 0"),
        ("--learning-rate inf", "must be above 0"),
        ("--decay 1.5", "must be from 0 up to 1"),
        ("--seed -1", "must be from 0 up to 4294967295"),
        ("--forget-bias inf", "must be finite"),
        ("--temperature -1", "must be at least 0"),
        ("--model rnn", "invalid choice"),
        ("--tag a/b", "letters"),
        ("--device tpu", "auto, cpu, cuda"),
        ("--model baseline --gamma-x 1", "--gamma-x has no effect on baseline"),
        ("--model weight_norm --moments variance", "use --model norm_prop"),
        ("--model norm_prop --unit-norms", "use --model baseline"),
        ("--softmax-gamma 0", "must be above 0"),
        ("--prime abc", "--generate"),
        ("--gamma 1", "unrecognized"),
    ],
)
def test_bad_options(arguments, reason, capsys):
    with pytest.raises(SystemExit) as caught:
        ptb_options.parse(arguments.split())
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert reason in message and message.count("\n") == 1


def test_quick():
    options = quick.parse(["--seed", "7"])
    assert options.seed == 7
    for model in quick.MODELS:
        ptb_options.parse([*quick.SIZE.split(), "--model", model])
    rows = [
        {"train_bpc": 3.0, "valid_bpc": 2.5, "seconds": 4.0},
        {"train_bpc": 2.0, "valid_bpc": 1.5, "seconds": 2.0},
    ]
    table = quick.table({"baseline": rows, "norm_prop": rows[:1]}).splitlines()
    assert table[1].split() == ["baseline", "2.000", "1.500", "3.0"]
    assert table[2].split() == ["norm_prop", "3.000", "2.500", "4.0"]


def test_durations():
    assert [duration(s) for s in (3, 89, 600, 11100)] == [
        "3 s",
        "89 s",
        "10 min",
        "3 h 05 min",
    ]


@pytest.fixture
def interrupts():
    with Interrupts() as interrupts:
        yield interrupts


def test_a_signal_strikes_at_once_or_is_remembered(interrupts):
    with interrupts.deferred():
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.received == signal.SIGTERM
    with pytest.raises(Interrupted), interrupts.at_once():
        pytest.fail("a signal that came before must be noticed")
    assert interrupts.exit_status == 143


def test_a_signal_at_once(interrupts):
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    assert interrupts.exit_status == 130


def test_a_second_signal_ends_the_program_at_once():
    code = (
        "import os, signal, time; from training.interrupt import Interrupts\n"
        "i = Interrupts(); i.install(); i.defer()\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "os.kill(os.getpid(), signal.SIGINT); print('one', flush=True)\n"
        "time.sleep(0.6); os.kill(os.getpid(), signal.SIGTERM); print('two')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (143, b"one\n")
