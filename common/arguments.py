"""Parsers of command lines, and types of options that check their range."""

import argparse
import math
import re
import sys

# What NumPy and Theano can count with; an integer above it has no use.
LARGEST = 2**31 - 1


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default where it says something."""

    def _get_help_string(self, action):
        if action.default in (None, False):
            return action.help
        if isinstance(action.default, list):
            shown = " ".join(action.default).replace("%", "%%")
            return f"{action.help} (default: {shown})"
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """Options in full, and errors in one line instead of a page of usage."""

    def __init__(self, **kwargs):
        super().__init__(
            usage="%(prog)s [options]",
            allow_abbrev=False,
            formatter_class=Formatter,
            **kwargs,
        )

    def parse_known_args(self, args=None, namespace=None):
        # Python 3.8 takes this value for the end of the options: an empty list.
        for argument in sys.argv[1:] if args is None else args:
            if argument.startswith("--") and argument.endswith("=--"):
                self.error(f"argument {argument[:-3]}: -- is no value")
        return super().parse_known_args(args, namespace)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (--help shows all options)\n")


def number(kind, low=-math.inf, high=math.inf, above=False):
    """Return an argparse type: a finite number of `kind` in [low, high].

    With `above`, `low` itself is refused.
    """

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            word = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {word}") from None
        if kind is int and high == math.inf and value > LARGEST:
            raise argparse.ArgumentTypeError(f"must be at most {LARGEST}, not {text}")
        too_low = value <= low if above else value < low
        if too_low or not value <= high or not math.isfinite(value):
            if high == math.inf:
                wanted = f"{'above' if above else 'at least'} {low}"
            else:
                wanted = f"{'above' if above else 'from'} {low} up to {high}"
            if low == -math.inf:
                wanted = "finite"
            raise argparse.ArgumentTypeError(f"must be {wanted}, not {text}")
        return value

    return parse


positive = number(float, 0, above=True)
count = number(int, 1)


def tag(text):
    if not re.fullmatch(r"[A-Za-z0-9._+-]{1,100}", text):
        raise argparse.ArgumentTypeError(
            f"use at most 100 letters, digits and . _ + - only, not {text!r}"
        )
    return text


def folder(text):
    if not text:
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return text


def device(text):
    if not re.fullmatch(r"auto|cpu|cuda[0-9]*", text):
        raise argparse.ArgumentTypeError(
            f"must be auto, cpu, cuda or cudaN, not {text}"
        )
    return text
