"""The C++ compiler and the BLAS that Theano links its compiled code with."""

import os
import platform
import shutil
import tempfile

from common.errors import RunError
from install import steps

# What Theano 1.0.5 calls. The wheel's symbols carry a prefix, so that it can live
# beside other copies of OpenBLAS; macros give Theano's C++ code the prefixed names.
FUNCTIONS = ["gemm", "gemv", "ger", "dot"]
PREFIX = "scipy_"
SYSTEM = ["-lopenblas", "-lmkl_rt", "-lblas"]
# The library that is built of oneDNN's product and the wheel's OpenBLAS.
ONEDNN = "reproduce_onednn"
# A system BLAS is taken if it is at most this much slower than the wheel's,
# oneDNN only if it is faster by more than this.
TOLERANCE = 1.15
ROUNDS = 4
ALONE = {name + "_NUM_THREADS": "1" for name in ["OPENBLAS", "MKL", "OMP", "BLIS"]}
FLOP = 2 * 64 * 1000 * 4000

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = os.path.join(HERE, "blas_probe.cpp")
PACKAGES = [
    ("apt-get", "apt-get install g++", "apt-get install libopenblas-dev"),
    ("dnf", "dnf install gcc-c++", "dnf install openblas-devel"),
    ("zypper", "zypper install gcc-c++", "zypper install openblas-devel"),
    ("pacman", "pacman -S gcc", "pacman -S openblas"),
]


def _advice(which):
    """The command that installs the compiler (0) or a BLAS (1) here."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    for tool, *commands in PACKAGES:
        if shutil.which(tool):
            return f"`{sudo}{commands[which]}`"
    return ["g++ with your system's package manager", "OpenBLAS with its headers"][
        which
    ]


def check_compiler():
    """Return the path of a g++ that compiles and links a C++ program.

    Raises
    ------
    RunError
        Naming the command that installs what is missing.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        raise RunError(
            "Theano needs a C++ compiler and there is no g++ on PATH; install it with "
            + _advice(0)
        )
    with tempfile.TemporaryDirectory() as folder:
        source, binary = os.path.join(folder, "a.cpp"), os.path.join(folder, "a")
        with open(source, "w") as file:
            file.write(
                "#include <vector>\nint main() { return std::vector<int>(3)[0]; }"
            )
        status, output = steps.capture([compiler, source, "-o", binary], timeout=60)
        if status == 0:
            status, output = steps.capture([binary])
    if status:
        raise RunError(
            f"{compiler} does not build a working program "
            f"({output.strip() or 'no message'}); reinstall it with " + _advice(0)
        )
    return compiler


def _build(flags, macros, compiler, binary):
    """Link the probe with a BLAS; return whether that went well."""
    command = [compiler, "-O2", "-std=c++11", *macros, PROBE, "-o", binary]
    return steps.capture(command + flags + ["-ldl"], timeout=60)[0] == 0


def _run(binary):
    """Run a probe on one core; return (seconds, library), or None if it is wrong."""
    status, output = steps.capture([binary], timeout=60, env=dict(os.environ, **ALONE))
    if status:
        return None
    seconds, _, library = output.strip().partition(" ")
    return float(seconds), library


def measure(ways, compiler):
    """Measure several BLAS libraries in turns, for other programs run here too.

    Parameters
    ----------
    ways : dict
        For each name, the flags for the linker and the macros for the compiler.
    compiler : str

    Returns
    -------
    dict
        For each name whose BLAS links and is right, its best time in seconds for
        the probe's product on one core, and its file.
    """
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (flags, macros) in ways.items():
            binary = os.path.join(folder, name)
            first = _build(flags, macros, compiler, binary) and _run(binary)
            if first:
                measured[name] = first
        for _ in range(ROUNDS):
            fastest = min(measured.values(), default=(0, ""))[0]
            for name, best in measured.items():
                if best[0] < 5 * fastest:
                    measured[name] = min(best, _run(os.path.join(folder, name)) or best)
    return measured


def build_onednn(folder, flags, compiler):
    """Build the library whose sgemm_ is oneDNN's, and small products OpenBLAS's.

    Parameters
    ----------
    folder : str
        Where oneDNN's library is and the new one goes.
    flags : list of str
        That link with the wheel's OpenBLAS, and find it at run time.
    compiler : str

    Returns
    -------
    list of str or None
        The flags that link with both; None if it cannot be built here.
    """
    binary = os.path.join(folder, f"lib{ONEDNN}.so")
    command = [compiler, "-O2", "-fPIC", "-shared", "-fopenmp", "-o", binary]
    command += [f"-DOPENBLAS_SGEMM={PREFIX}sgemm_"]
    command += [f"-DOPENBLAS_SET_NUM_THREADS={PREFIX}openblas_set_num_threads"]
    command += [os.path.join(HERE, "blas_onednn.cpp"), "-L" + folder]
    command += ["-l:libdnnl.so.3", *flags, "-Wl,-rpath," + folder]
    if steps.capture(command, timeout=60)[0]:
        return None
    return ["-L" + folder, "-l" + ONEDNN]


def choose(wheel_folder, compiler, onednn_folder=None):
    """Measure the system's BLAS, the wheel's and oneDNN's product, and choose one.

    Parameters
    ----------
    wheel_folder : str or None
        The folder of the wheel's library.
    compiler : str
    onednn_folder : str, optional
        The folder of oneDNN's library.

    Returns
    -------
    settings : str
        The text of a ``theanorc``.
    library : str
        The file of the chosen library.
    reason : str
        The choice and why, in one line.

    Raises
    ------
    RunError
        If no BLAS links and gives the right product.
    """
    ways = {flag: ([flag], []) for flag in SYSTEM}
    if wheel_folder:
        names = [kind + name + "_" for kind in "sd" for name in FUNCTIONS]
        macros = [f"-D{name}={PREFIX}{name}" for name in names]
        # With -L, Theano also writes the folder into what it links, as rpath does.
        flags = ["-L" + wheel_folder, "-l" + PREFIX + "openblas"]
        linked = flags + ["-Wl,-rpath," + wheel_folder]
        ways["wheel"] = linked, macros
        before = onednn_folder and build_onednn(onednn_folder, linked, compiler)
        if before:
            onednn = [f"-Dsgemm_={ONEDNN}_sgemm_", *macros[1:]]
            path = "-Wl,-rpath," + onednn_folder
            ways["onednn"] = before + linked + [path], onednn
    measured = measure(ways, compiler)
    wheel, fast = measured.pop("wheel", None), measured.pop("onednn", None)
    flag = min(measured, key=measured.get, default=None)
    system = measured.get(flag)
    if system is None and wheel is None:
        raise RunError(
            f"no BLAS links on this {platform.machine()} machine, neither the wheel's "
            f"nor the system's; install one with {_advice(1)}"
        )
    slower = [one[0] for one in (wheel, system) if one]
    if fast and wheel and TOLERANCE * fast[0] < min(slower):
        settings = f"[blas]\nldflags = {' '.join(before + flags)}\n"
        settings += f"\n[gcc]\ncxxflags = {' '.join(onednn)}\n"
        other = f"the wheel's OpenBLAS {_speed(wheel)}"
        return settings, fast[1], f"oneDNN for products, {_speed(fast)} ({other})"
    also = ""
    if onednn_folder:
        also = f"; oneDNN {_speed(fast) if fast else 'does not link'}"
    if wheel is None or (system and system[0] <= TOLERANCE * wheel[0]):
        other = f"the wheel's {_speed(wheel)}" if wheel else "the wheel's does not link"
        other += also
        settings = f"[blas]\nldflags = {flag}\n"
        return settings, system[1], f"the system's {flag}, {_speed(system)} ({other})"
    other = f"the system's {flag} {_speed(system)}" if system else "the system has none"
    other += also
    settings = f"[blas]\nldflags = {' '.join(flags)}\n"
    settings += f"\n[gcc]\ncxxflags = {' '.join(macros)}\n"
    return settings, wheel[1], f"the wheel's OpenBLAS, {_speed(wheel)} ({other})"


def _speed(measured):
    return f"{FLOP / measured[0] / 1e9:.0f} GFLOPS a core"
