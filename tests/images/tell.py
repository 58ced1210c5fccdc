"""What the rig of the images says, and how it ends."""

import sys

UNAVAILABLE = 75  # EX_TEMPFAIL in sysexits.h


def fail(text):
    sys.exit(f"tests/images/check: {text}")


def unavailable(text):
    """End for lack of something that is not this archive's."""
    print(f"tests/images/check: {text}", file=sys.stderr)
    sys.exit(UNAVAILABLE)


def report(text, seconds=None):
    took = "" if seconds is None else f" ({seconds:.0f} s)"
    print(f"ok: {text}{took}", flush=True)


def expect(condition, what, output=""):
    if not condition:
        fail(f"{what}\n{output}")


def one_sentence(result, status, *words):
    """The program ended with `status` and one line that has the words in it."""
    ended, output, _ = result
    line = output.strip().splitlines()[-1] if output.strip() else ""
    expect(ended == status, f"exit status {ended}, not {status}", output)
    expect("Traceback" not in output, "a traceback", output)
    for word in words:
        expect(word in line, f"{word!r} is not in the last line", output)
    return line
