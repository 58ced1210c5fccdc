"""Run the graphs and the programs of both experiments for ``device=cuda``, on the CPU.

Exit status: 0, 1 where something is wrong, 75 where the rig cannot be built.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.cuda import graphs, programs, rig

PARTS = ("graphs", "programs", "errors")
UNAVAILABLE = 75  # EX_TEMPFAIL in sysexits.h
# Deliberate errors, which have to be noticed: a setting of the rig, or a text in
# a file of the library and another one in its place.
ERRORS = {
    "a kernel takes tanh(x + 1e-7)": {"replace": r"\btanh\(=>tanh(1e-7 + "},
    "kernels without barriers": {"replace": r"__syncthreads\(\)=>((void) 0)"},
    "products that take beta for 1": {
        "changed": ("cublas.cpp", "*beta, lda,", "T(1), lda,")
    },
}


def parse():
    parser = argparse.ArgumentParser(prog="python -m tests.cuda", description=__doc__)
    parser.add_argument(
        "--part", choices=PARTS, action="append", help="only this; may be repeated"
    )
    parser.add_argument(
        "--graph",
        choices=list(graphs.GRAPHS),
        action="append",
        help="of the graphs only this; may be repeated",
    )
    return parser.parse_args()


def say(text):
    print(text, flush=True)


def check_graphs(names):
    """Compare all; print a table; return whether all agree."""
    good = True
    say("| graph | precision | losses | gradients | the worst |")
    say("|---|---|---|---|---|")
    for name in names or graphs.GRAPHS:
        for floatX, found in graphs.compare(name):
            if found is None:
                say(f"| {name} | {floatX} | failed: see above | | |")
                good = False
                continue
            losses, gradient, which = graphs.worst(found)
            say(f"| {name} | {floatX} | {losses:.0e} | {gradient:.0e} | {which} |")
            if found["disagree"]:
                say(f"{name}, {floatX}: too far apart: {', '.join(found['disagree'])}")
                good = False
    return good


def check_programs():
    """Whole runs, stopped ones and faults; return True, or raise ``programs.Wrong``."""
    for experiment in programs.SIZE:
        with tempfile.TemporaryDirectory() as results:
            results = Path(results)
            outcome = programs.whole(experiment, results / "whole")
            say(f"{experiment}: trained and scored, device as named")
            if programs.stopped(experiment, results / "stopped") != outcome:
                raise programs.Wrong(f"{experiment}: resumed, it ends differently")
            say(f"{experiment}: stopped and resumed, it ends with the same bits")
            if experiment == "ptb":
                check_faults(experiment, results, outcome)
    return True


def check_faults(experiment, results, outcome):
    """See that faults are one sentence each, and that nothing is lost by them."""
    cases = {**programs.AT_THE_START, **programs.LATER}
    for number, (name, case) in enumerate(cases.items()):
        programs.fault(experiment, results / str(number), *case)
        say(f"{experiment}: {name}: one sentence")
    programs.train(experiment, results / str(number), "--resume")
    run = programs.folder(experiment, results / str(number))
    if programs.small.outcome(run) != outcome:
        raise programs.Wrong("resumed after the card was lost, it ends differently")
    say(f"{experiment}: resumed after the card was lost, it ends with the same bits")


def check_errors():
    """See that deliberate errors are noticed; return whether all are."""
    good = True
    for name, settings in ERRORS.items():
        with tempfile.TemporaryDirectory() as folder:
            if "changed" in settings:
                rig.build_library(Path(folder), **settings)
                settings = {"library": Path(folder)}
            ((_, found),) = graphs.compare("norm_prop", ["float64"], **settings)
        noticed = found is not None and found["disagree"]
        apart = f"{max(graphs.worst(found)[:2]):.0e} apart" if found else "failed"
        say(f"deliberately, {name}: {'noticed' if noticed else 'UNNOTICED'}, {apart}")
        good = good and bool(noticed)
    return good


def main():
    options, started = parse(), time.time()
    checks = {
        "graphs": lambda: check_graphs(options.graph),
        "programs": check_programs,
        "errors": check_errors,
    }
    try:
        rig.build()
        good = [checks[part]() for part in options.part or PARTS]
    except rig.Unavailable as error:
        print(f"tests.cuda: {error}", file=sys.stderr)
        return UNAVAILABLE
    except programs.Wrong as error:
        print(f"tests.cuda: {error}", file=sys.stderr)
        return 1
    minutes = (time.time() - started) / 60
    say(f"tests.cuda {'passed' if all(good) else 'FAILED'} in {minutes:.1f} minutes")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
