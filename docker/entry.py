"""What a container runs: choose the device, see to the data, then the experiment.

``docker run reproduce-ptb [options of ptb_experiment.py]``, or instead of options one
of the words in `WORDS` below. This is the container's first process, which the kernel
does not end by signals it does not handle, so the experiment is a child of it and is
handed every signal.
"""

import ctypes
import os
import re
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

from common import ROOT, errors
from common.errors import RunError
from common.output import forgiving
from common.signals import Signals
from common.trust import private_folder

DATA, RESULTS = Path("/data"), Path("/results")
# The program, its data set and the converted file of that.
EXPERIMENTS = {
    "ptb": ("ptb_experiment.py", "ptb", "penn_treebank_characters.hdf5"),
    "draw": ("draw_experiment.py", "mnist", "binarized_mnist.hdf5"),
}
WORDS = {
    "quick": "train small models on built-in data, to see that everything works",
    "data": "fetch the data set into /data, or make a damaged one again",
    "report": "make /results/report.html of the runs: the paper's tables beside them",
    "test": "run the archive's tests; options go to pytest",
    "gpu": "compare the GPU with the CPU on the published configurations",
}
CAPABILITY = 75, 76  # the driver's numbers for its two halves


def compiler(load):
    """Ask CUDA's run-time compiler for its version and the cards that it is for.

    Returns
    -------
    int
        Such as 11080 for CUDA 11.8, as drivers number it, too.
    tuple of int
        The first and the last compute capability, such as 35 and 90.
    """
    library, major, minor = load("libnvrtc.so"), ctypes.c_int(), ctypes.c_int()
    library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
    number = ctypes.c_int()
    library.nvrtcGetNumSupportedArchs(ctypes.byref(number))
    known = (ctypes.c_int * number.value)()
    library.nvrtcGetSupportedArchs(known)
    return 1000 * major.value + 10 * minor.value, (known[0], known[-1])


def written(version):
    return f"CUDA {version // 1000}.{version % 1000 // 10}"


def cuda(load=ctypes.CDLL):
    """Ask the driver for a GPU, and whether it and the compiler are for each other.

    Parameters
    ----------
    load : callable
        What opens a shared library.

    Returns
    -------
    usable : bool
    sentence : str
        The GPU's name and memory and the driver's CUDA, or why there is none.
    """
    try:
        driver = load("libcuda.so.1")
    except OSError:
        return False, "no NVIDIA driver is visible here (docker run --gpus all)"
    number = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(number)):
        return False, "the NVIDIA driver does not start"
    if number.value == 0:
        return False, "the NVIDIA driver shows no GPU (docker run --gpus all)"
    try:
        own, (oldest, newest) = compiler(load)
    except OSError:
        return False, "CUDA's run-time compiler, libnvrtc.so, is not here"
    driver.cuDriverGetVersion(ctypes.byref(number))
    version = written(number.value)
    if number.value < own:
        return False, f"the NVIDIA driver is of {version}, needed is {written(own)}"
    capability, more = 0, ""
    for half in CAPABILITY:
        driver.cuDeviceGetAttribute(ctypes.byref(number), half, 0)
        capability = 10 * capability + number.value
    of = f"of compute capability {capability / 10}"
    if capability < oldest:
        return False, f"the GPU is {of}, and {written(own)} begins with {oldest / 10}"
    if capability > newest:
        more = f", {of}: newer than {written(own)}, whose code the driver translates"
        if newest < 120:
            more += " (./reproduce images --cuda 12.9 is for such cards)"
    name, size = ctypes.create_string_buffer(100), ctypes.c_size_t()
    driver.cuDeviceGetName(name, 100, 0)
    driver.cuDeviceTotalMem_v2(ctypes.byref(size), 0)
    gigabytes = size.value / 1e9
    return (
        True,
        f"{name.value.decode()}, {gigabytes:.1f} GB, driver of {version}{more}",
    )


def kept(folder, mountinfo):
    """Whether what is written in `folder` outlives the container.

    Parameters
    ----------
    folder : Path
    mountinfo : str
        The text of ``/proc/self/mountinfo``.

    Returns
    -------
    bool
        False where nothing is mounted, or the anonymous volume that an image's
        ``VOLUME`` makes: its name is 64 hexadecimal digits.
    """
    found = False
    for line in mountinfo.splitlines():
        root, mounted_on = line.split()[3:5]
        if mounted_on == str(folder):  # the last one covers those before it
            found = not re.search(r"/[0-9a-f]{64}/_data$|/buildah-volumes/", root)
    return found


def say(text):
    print(text, flush=True)


def require_writable(folder):
    """Raise `RunError` if `folder` cannot be written."""
    if os.access(str(folder), os.W_OK):
        return
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder: mount one there")
    if os.statvfs(str(folder)).f_flag & os.ST_RDONLY:
        raise RunError(f"{folder} is mounted read-only: mount it without `:ro`")
    raise RunError(
        f"{folder} may not be written by user {os.getuid()}: give docker run --user "
        f"{os.stat(str(folder)).st_uid} or mount a folder that this user may write"
    )


def run(signals, arguments, environment):
    """Run Python; return the exit status as a shell would, 128 + N for signal N."""
    process = signals.start([sys.executable, *arguments], env=environment)
    status = process.wait() if process else -signals.received
    return status if status >= 0 else 128 - status


def announce(wanted):
    """Say in the first lines what this runs on and what is kept; return the device.

    Parameters
    ----------
    wanted : str
        As ``--device`` says: ``auto``, ``cpu``, ``cuda`` or ``cudaN``.
    """
    usable, sentence = cuda()
    device = wanted
    if wanted == "auto":
        device = "cuda" if usable else "cpu"
        say(f"Device: {device}: {sentence}")
    else:
        say(f"Device: {device}, as --device says ({sentence})")
    mounts = Path("/proc/self/mountinfo").read_text()
    for folder, what in ((RESULTS, "results"), (DATA, "data")):
        if not kept(folder, mounts):
            say(
                f"Warning: no volume is mounted on {folder}: the {what} stay in this "
                f"container; -v reproduce-{what}:{folder} keeps them"
            )
    return device


def environment(experiment):
    """Return the variables for the programs; say so if compiled code is not kept."""
    variables = dict(os.environ)
    variables.setdefault("FUEL_DATA_PATH", str(DATA))
    again = f"docker run -v VOLUME:{DATA} reproduce-{experiment} data"
    variables["REPRODUCE_DATA_COMMAND"] = again
    if "REPRODUCE_COMPILEDIR" not in variables:
        # Theano wants a folder of its own user's.
        wanted = DATA / f"theano-{os.getuid()}"
        reason = f"{wanted} is not this user's alone"
        folder = wanted
        if not os.access(str(DATA), os.W_OK):
            reason, folder = f"{DATA} cannot be written", Path("/tmp", wanted.name)
        variables["REPRODUCE_COMPILEDIR"] = private_folder(folder)
        if variables["REPRODUCE_COMPILEDIR"] != str(wanted):
            say(f"Warning: {reason}: what is compiled is not kept")
    return variables


def needs_data(options, filename):
    """Whether the data set is still to be fetched; never where the user has his own."""
    if options.sample or options.data_dir is not None or "FUEL_DATA_PATH" in os.environ:
        return False
    return not (DATA / filename).exists()


def parse(experiment, words):
    """Read the command line as the program that gets it will.

    Returns
    -------
    list of str
        Arguments for Python.
    argparse.Namespace
        What they mean.
    """
    program = str(ROOT / EXPERIMENTS[experiment][0])
    options = import_module(f"experiments.{experiment}_options")
    if words[:1] == ["quick"]:
        import quick

        words = ["--experiment", experiment, *words[1:]]
        return ["-m", "quick", *words], quick.parse(words)
    return [program, *words], options.parse(words)


def main(experiment, words, run):
    """Carry out one `docker run`; return its exit status.

    Parameters
    ----------
    experiment : str
        ``ptb`` or ``draw``.
    words : list of str
        What follows the image's name.
    run : callable
        ``run(arguments, environment)`` runs Python and returns its exit status.
    """
    _, data, filename = EXPERIMENTS[experiment]
    fetch = ["-m", "datasets", data, "--data-dir", str(DATA)]
    if words[:1] == ["data"]:
        require_writable(DATA)
        return run([*fetch, *words[1:]], environment(experiment))
    if words[:1] == ["report"]:
        require_writable(RESULTS)
        arguments = ["-m", "report", "--results-dir", str(RESULTS), *words[1:]]
        return run(arguments, environment(experiment))
    if words[:1] == ["test"]:
        arguments = ["-m", "pytest", "-p", "no:cacheprovider", str(ROOT), *words[1:]]
        return run(arguments, environment(experiment))
    if words[:1] == ["gpu"]:
        program = str(ROOT / "docker" / "gpu_check.py")
        only = ["--experiment", experiment]
        return run([program, *only, *words[1:]], environment(experiment))
    arguments, options = parse(experiment, words)
    quick = words[:1] == ["quick"]
    device = announce(options.device)
    variables = environment(experiment)
    arguments += ["--device", device]
    if not any(word.split("=")[0] == "--results-dir" for word in words):
        require_writable(RESULTS)
        arguments += ["--results-dir", str(RESULTS)]
    if quick:
        return run(arguments, variables)
    if options.evaluate is None and not options.resume:
        # What the last container left is continued; a new run starts if it left none.
        arguments.append("--resume")
    if needs_data(options, filename):
        require_writable(DATA)
        status = run(fetch, variables)
        if status:
            return status
    return run(arguments, variables)


HELP = """\
This is the image of an experiment of "Recurrent Normalization Propagation".

  docker run --gpus all -v reproduce-data:/data -v reproduce-results:/results \\
      reproduce-{} [options]

The data set is fetched into /data on first use. `docker stop` saves, and the same
command continues. Without --gpus all, or without an NVIDIA driver, it runs on the CPU.
Instead of options:
"""


def print_help(experiment):
    print(HELP.format(experiment))
    for word, text in WORDS.items():
        print(f"  {word:8s}{text}")
    print("\nThe options are those of the experiment's program:\n", flush=True)


if __name__ == "__main__":
    experiment, words = sys.argv[1], sys.argv[2:]
    with forgiving(), Signals(subprocess.Popen.send_signal) as signals:
        if words and words[0] in ("-h", "--help"):
            print_help(experiment)
        try:
            sys.exit(main(experiment, words, partial(run, signals)))
        except RunError as error:
            sys.exit(errors.report(f"reproduce-{experiment}", error))
