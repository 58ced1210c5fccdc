"""The commands of `./reproduce`: what it does itself, and what .venv's Python runs."""

import argparse
import os
import signal
import sys

from common import ROOT
from common.errors import RunError, report
from install import bundle, environment, images, steps

START = os.path.join(environment.INSTALL, "start.py")

# The module that each command runs in .venv, with all the options after its name.
COMMANDS = {
    "quick": ("quick", "train the models briefly on built-in text"),
    "data": ("datasets", "download and convert the data sets"),
    "ptb": ("ptb_experiment", "character-level Penn Treebank: Tables 1 and 2"),
    "draw": ("draw_experiment", "DRAW on binarized MNIST: Table 3"),
    "all": ("workflow", "the whole paper, or what a plan names of it"),
    "figures": ("figures", "the paper's figures, as PDF and PNG"),
    "report": ("report", "one page: what was obtained beside the paper's"),
    "state": ("runs.parcels", "split a run into small files, to move it"),
    "benchmark": ("benchmarks", "measure seconds per update, memory, start-up"),
    "test": ("pytest", "run the tests; options go to pytest"),
}

# What `reproduce` does itself, besides setup.
OWN = [
    ("images", images, "build the images reproduce-ptb and reproduce-draw"),
    ("bundle", bundle, "gather in a folder what a machine without network needs"),
]

EXAMPLES = """\
Most commands hand their options on: `./reproduce ptb --help` lists those of the
Penn Treebank experiment. Each sets up first where that is still to be done.

examples:
  ./reproduce                            set up, then a first result within minutes
  ./reproduce data ptb                   fetch the Penn Treebank
  ./reproduce ptb --model norm_prop      the published experiment
  ./reproduce all --plan plans/paper.yaml --dry-run
                                         all that there is to do for the paper
  ./reproduce test tests/test_setup.py   some of the tests
  ./reproduce setup --blocks ~/blocks    install Blocks from a clone of upstream

environment:
  REPRODUCE_PYTHON       the Python 3.8 to use; otherwise one is looked for on PATH, in
                         pyenv's versions and through uv
  REPRODUCE_COMPILEDIR   where Theano keeps what it compiled (.cache/theano)
  REPRODUCE_CACHE=0      rewrite every graph anew, and compile nothing ahead of Theano
  REPRODUCE_ONEDNN=0     leave all matrix products to OpenBLAS (docs/SPEED.md)
  OPENBLAS_NUM_THREADS   threads (one for each core)
  THEANO_FLAGS, THEANORC Theano's settings count, but for BLAS, compiler, device and
                         precision; gcc.cxxflags are added to the archive's
  Proxies count, and of pip's settings those that say where packages come from.

Paths in options are seen from the folder that you are in.
"""


def parse(argv):
    """Split the command line into (command, options)."""
    if not argv:
        return "quick", []
    if argv[0] in COMMANDS:
        return argv[0], argv[1:]
    parser = argparse.ArgumentParser(
        prog="./reproduce",
        description='Reproduce the experiments of "Recurrent Normalization '
        'Propagation" (Laurent, Ballas and Vincent, 2017).',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND"
    )
    setup = commands.add_parser(
        "setup",
        help="install everything into .venv; done by itself when needed",
        description="Install everything into .venv. Takes a minute or two the first "
        "time; run again, it only checks.",
    )
    setup.add_argument(
        "--blocks",
        metavar="upstream|standin|PATH",
        help="which Blocks to install: upstream's pinned commit from its repository, "
        "this archive's own stand-in, or upstream from a clone at PATH (default: "
        "what is installed already, else upstream if it can be reached, else the "
        "stand-in)",
    )
    setup.add_argument(
        "--offline", metavar="DIR", help="install from this folder, made by `bundle`"
    )
    for name, module, text in OWN:
        description = f"{text[0].upper()}{text[1:]}."
        command = commands.add_parser(name, help=text, description=description)
        module.add_options(command)
    for name, (_, text) in COMMANDS.items():
        default = " (the default)" if name == "quick" else ""
        commands.add_parser(name, help=text + default)
    options = parser.parse_args(argv)
    return options.command, options


def module_of(command):
    """Return the module that `command` runs; check that it is there."""
    module = COMMANDS[command][0]
    path = os.path.join(ROOT, *module.split("."))
    if os.path.isdir(path):
        return module + ".__main__"
    if not os.path.isfile(path + ".py") and command != "test":
        raise RunError(f"this checkout has no {module}, which `{command}` runs")
    return module


def main(argv):
    """Carry out a command line; return the exit status."""
    command, options = parse(argv)
    try:
        with steps.signals_stop():
            if command == "images":
                images.build(options)
            elif command == "bundle":
                bundle.make(options)
            elif command == "setup" and options.offline:
                bundle.install(options)
            elif command == "setup":
                environment.ensure(options.blocks, report=True)
            else:
                module = module_of(command)
                python = environment.ensure()
    except RunError as error:
        return report("reproduce", error)
    except steps.Interrupted as stop:
        steps.say("reproduce: stopped; the same command continues from here")
        return 128 + stop.signum
    if command not in COMMANDS:
        return 0
    if command == "test" or not os.access(".", os.F_OK):  # or the folder was deleted
        os.chdir(ROOT)
    sys.stdout.flush()
    # The signal waits until start.py can deal with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    os.execve(python, [python, START, module, *options], steps.variables())
