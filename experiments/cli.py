"""What surrounds an experiment: exit status, messages, signals."""

import logging
import sys

from common.errors import RunError, report
from common.files import megabytes
from datasets import DataError
from engine import device, theano_flags
from training.interrupt import Interrupted, Interrupts


def carry_out(program, work, options):
    """Run ``work(options, interrupts)``; return the exit status.

    0 after success, 1 where something failed, 2 for options that make no sense,
    75 where ``options.stop_after`` ended it and there is more to do, 128 + N after
    signal N.
    """
    # Its report of an exception is a traceback; ours is a sentence, below.
    logging.getLogger("blocks.main_loop").setLevel(logging.CRITICAL)
    with Interrupts(getattr(options, "stop_after", None)) as interrupts:
        try:
            work(options, interrupts)
        except Interrupted:
            if interrupts.time_is_over:
                print(
                    f"The {options.stop_after:g} minutes of --stop-after are over, and "
                    "there is more to do: the same command and --resume go on."
                )
            return interrupts.exit_status
        except (RunError, DataError) as error:
            return report(program, error)
        except MemoryError as error:
            return report(program, f"there is not enough memory for this ({error})")
        except Exception:
            # Of the compiler's own words few say that its disk is full.
            try:
                theano_flags.check_cache()
            except RunError as error:
                return report(program, error)
            raise
    return 0


def run_main_loop(main_loop, checkpoint, interrupts):
    """Run Blocks' main loop; save what there is if a signal ends it.

    Raises
    ------
    Interrupted
        After a signal, once everything is saved.
    """
    try:
        # Its extensions say when a signal has to wait.
        with interrupts.at_once():
            main_loop.run()
    except Interrupted:
        # It struck where work can be dropped at once: compilation or validation.
        pass
    with interrupts.deferred():
        if interrupts.received:
            checkpoint.save()
            history = checkpoint.history
            print(
                f"Stopped after update {history.updates:,}, in epoch "
                f"{history.epoch + 1}: give the same command and --resume to go on."
            )
    interrupts.check()


def announce(options, folder, device_name, corpus, lines, parameters, needed):
    """Say what a run is about to do, and note it in ``run.json``.

    Parameters
    ----------
    options : argparse.Namespace
    folder : runs.folder.RunFolder
    device_name : str
    corpus : object
        The data, with ``name`` and ``checksums``.
    lines : dict of str to str
        What the experiment itself has to say.
    parameters : dict of str to shared variable
    needed : int
        Bytes on disk.
    """
    blocks = device.which_blocks()
    for notice in device.notices(device_name, options.sample, blocks):
        print(f"* {notice}")
    number = sum(
        variable.get_value(borrow=True).size for variable in parameters.values()
    )
    history = folder.history
    lines = {
        **lines,
        "parameters": f"{number:,}, {options.floatX}",
        "results": f"{folder.path}, up to {megabytes(needed)}",
        "machine": f"{device_name}, Blocks {blocks['version']}",
    }
    if folder.continued:
        lines["continued"] = (
            f"after update {history.updates:,}, epoch {history.epoch + 1}"
        )
    for name, text in lines.items():
        print(f"{name:10s} {text}")
    sys.stdout.flush()
    folder.describe(
        configuration=folder.configuration,
        seed=options.seed,
        data={
            "name": corpus.name,
            "sample": options.sample,
            "checksums": corpus.checksums,
        },
        parameters=number,
        device=device_name,
        blocks=blocks,
        archive=device.archive_commit(),
        versions=device.versions(),
        host=device.host(),
    )
