"""Every option that takes a number, with every number that makes no sense."""

import contextlib
import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import draw_options, ptb_options

PROGRAMS = {"ptb": ptb_options, "draw": draw_options}
# Numbers that are accepted nowhere, by their spelling.
SENSELESS = ["inf", "-inf", "nan", "", "1e400", "0x10", "1,5", "one", "--", "-1e400"]


def numeric(program):
    """Options that take a number: they refuse a word and accept some figure."""
    found = []
    for action in PROGRAMS[program].build_parser()._actions:
        if action.type is None or not action.option_strings:
            continue
        try:
            action.type("a/b")
        except Exception as error:
            if "number" in str(error):
                found.append(action.option_strings[0])
    return found


OPTIONS = [(program, name) for program in PROGRAMS for name in numeric(program)]
INTEGERS = {
    "--units", "--length", "--glimpses", "--read-size", "--write-size", "--latent-dim",
    "--epochs", "--patience", "--batch-size", "--batches-per-epoch", "--seed",
    "--generate", "--noise-samples", "--importance-samples",
}  # fmt: skip
MAY_BE_ZERO = {
    "--seed", "--decay", "--clipping", "--temperature", "--input-dropout",
    "--recurrent-dropout", "--output-dropout", "--forget-bias",
}  # fmt: skip


def parse(program, *arguments):
    """Return the options, or the message that was printed with exit status 2."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return PROGRAMS[program].parse(list(arguments))
    except SystemExit as end:
        assert end.code == 2
        message = said.getvalue()
        assert message.count("\n") == 1 and message.startswith(f"{program}_experiment")
        return message


def test_the_options_are_found():
    """So that the tests below test something, and new options are tested too."""
    names = {name for _, name in OPTIONS}
    assert INTEGERS | MAY_BE_ZERO < names
    assert {"--learning-rate", "--gamma-x", "--save-every", "--input-scale"} < names


@pytest.mark.parametrize("value", SENSELESS)
def test_what_is_no_finite_number_is_refused(value):
    for program, option in OPTIONS:
        message = parse(program, f"{option}={value}")
        assert isinstance(message, str) and option in message


@pytest.mark.parametrize(("program", "option"), OPTIONS)
def test_zero_and_below(program, option):
    extra = ["--evaluate=x"] if "samples" in option or option == "--generate" else []
    zero = parse(program, f"{option}=0", *extra)
    assert isinstance(zero, str) != (option in MAY_BE_ZERO)
    below = parse(program, f"{option}=-1", *extra)
    assert isinstance(below, str) == (option != "--forget-bias")


@settings(max_examples=200, deadline=None)
@given(
    which=st.sampled_from(OPTIONS),
    value=st.one_of(
        st.integers(),
        st.integers(-(10**400), 10**400),
        st.floats(),
        st.text(max_size=8),
    ),
)
def test_any_value_is_a_number_in_range_or_refused_in_a_sentence(which, value):
    program, option = which
    options = parse(program, f"{option}={value}", "--evaluate=x")
    if isinstance(options, str):
        assert option in options
        return
    taken = getattr(options, option[2:].replace("-", "_"))
    assert type(taken) is (int if option in INTEGERS else float)
    assert math.isfinite(taken) and (abs(taken) < 2**32 or type(taken) is float)
    assert taken > 0 or option == "--forget-bias" or option in MAY_BE_ZERO


@pytest.mark.parametrize(
    ("program", "option"),
    [
        ("ptb", "--stop-after=1e-12"),
        ("draw", "--stop-after=1e10"),
        ("draw", "--read-size=1000000000"),
        ("draw", "--write-size=29"),
        ("ptb", "--evaluate="),
        ("draw", "--evaluate="),
        ("ptb", "--results-dir="),
        ("draw", "--data-dir="),
    ],
)
def test_what_no_timer_image_or_folder_can_be(program, option):
    message = parse(program, option)
    assert isinstance(message, str) and option.partition("=")[0] in message
