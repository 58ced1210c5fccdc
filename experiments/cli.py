"""What surrounds an experiment: exit status, messages, signals."""

import logging

from common import compile_cache, temporary
from common.errors import RunError, report
from common.output import forgiving
from engine import card
from training.interrupt import Interrupted, Interrupts


def carry_out(program, work, options):
    """Run ``work(options, interrupts)``; return the exit status.

    0 after success, 1 where something failed, 2 for options that make no sense,
    75 where ``options.stop_after`` ended it and there is more to do, 128 + N after
    signal N.
    """
    # Its report of an exception is a traceback; ours is a sentence, below.
    logging.getLogger("blocks.main_loop").setLevel(logging.CRITICAL)
    interrupts = Interrupts(getattr(options, "stop_after", None))
    with forgiving(), interrupts:
        try:
            work(options, interrupts)
        except Interrupted:
            if interrupts.time_is_over:
                print(
                    f"The {options.stop_after:g} minutes of --stop-after are over, and "
                    "there is more to do: the same command and --resume go on."
                )
            return interrupts.exit_status
        except RunError as error:
            return report(program, error)
        except Exception as error:
            of_gpu = card.cause(error)
            if of_gpu:
                saved = "; what was saved is whole, and --resume goes on from it"
                training = getattr(options, "evaluate", None) is None
                told = f"the GPU cannot go on: {of_gpu}{saved if training else ''}"
                return report(program, told)
            if isinstance(error, MemoryError):
                return report(program, f"there is not enough memory for this ({error})")
            # Of the compiler's own words few say that its disk is full.
            try:
                compile_cache.check()
                temporary.check()
            except RunError as error:
                return report(program, error)
            raise
    return 0
