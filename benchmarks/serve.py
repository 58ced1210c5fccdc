"""The measured process's side: do updates when told to, and say how long each took.

Plain Python 3, for PyTorch's process runs in another Python than the archive's.
"""

import json
import sys
import time


def peak_memory():
    """The most memory this process has had, in bytes."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return None


def serve(update, **facts):
    """Answer each line of standard input, a number of updates, with a line of JSON.

    Parameters
    ----------
    update : callable
        Does one update and returns its cost.
    **facts
        What the first line, printed before anything is asked, says.
    """
    answer(**facts)
    for line in sys.stdin:
        seconds, processor = [], []
        for _ in range(int(line)):
            since, busy = time.perf_counter(), time.process_time()
            cost = float(update())
            seconds.append(time.perf_counter() - since)
            processor.append(time.process_time() - busy)
        answer(
            seconds=seconds,
            processor_seconds=processor,
            peak_bytes=peak_memory(),
            cost=cost,
        )


def answer(**facts):
    print(json.dumps(facts), flush=True)
