"""The measured process's side: do updates when told to, and say how long each took.

Plain Python 3, for PyTorch's process runs in another Python than the archive's.
"""

import json
import sys
import time


def peak_memory():
    """The most memory that this process has had, in bytes."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return None


def answer(**facts):
    print(json.dumps(facts), flush=True)


def serve(prepare, **facts):
    """Answer each line of JSON on standard input with one on standard output.

    Parameters
    ----------
    prepare : callable
        Given the request's ``sizes``, returns a function that does one update and
        returns its cost.
    **facts
        What the first line says, before anything is asked.
    """
    answer(**facts)
    update, sizes = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if update is None or request["sizes"] != sizes:
            sizes = request["sizes"]
            update = prepare(**sizes)
        seconds, processor = [], []
        for _ in range(request["updates"]):
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
