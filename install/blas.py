"""The C++ compiler and the BLAS that Theano links its compiled code with."""

import os
import platform
import shutil
import tempfile

from common import ROOT
from common.errors import RunError
from install import steps

# What Theano 1.0.5 calls. The wheel's symbols carry a prefix, so that it can live
# beside other copies of OpenBLAS; macros give Theano's C++ code the prefixed names.
FUNCTIONS = ["gemm", "gemv", "ger", "dot"]
PREFIX = "scipy_"
SYSTEM = ["-lopenblas", "-lmkl_rt", "-lblas"]
WHEEL, ONEDNN = "the wheel's OpenBLAS", "oneDNN"
# The library that is built of oneDNN's product and the wheel's OpenBLAS.
LIBRARY = "reproduce_onednn"
# A system BLAS is taken if it is at most this much slower than the wheel's,
# oneDNN only if it is faster by more than this.
TOLERANCE = 1.15
ROUNDS = 4
ALONE = {name + "_NUM_THREADS": "1" for name in ["OPENBLAS", "MKL", "OMP", "BLIS"]}
FLOP = 2 * 64 * 1000 * 4000
# A product gets all cores if that takes at most this share of the time on one.
GAIN = 0.9
# Found on two quiet cores.
USUAL = 1e6

PROBE = os.path.join(ROOT, "install", "blas_probe.cpp")
PRODUCTS = os.path.join(ROOT, "engine", "products.cpp")
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
    with _folder() as folder:
        source, binary = os.path.join(folder, "a.cpp"), os.path.join(folder, "a")
        with open(source, "w") as file:
            file.write(
                "#include <vector>\nint main() { return std::vector<int>(3)[0]; }"
            )
        status, said = steps.call([compiler, source, "-o", binary], timeout=60)
        advice = steps.cause([said])[1] or f"Reinstall it with {_advice(0)}"
        if status == 0:
            status, said = steps.call([binary])
            if "Permission denied" in said:
                advice = f"Move {ROOT} to where programs may be run (noexec?)"
    if status:
        raise RunError(
            f"{compiler} does not build a working program "
            f"({said or 'no message'}). {advice}"
        )
    return compiler


def _folder():
    """A folder for programs, which the system's for temporary files may not run."""
    return tempfile.TemporaryDirectory(dir=os.path.dirname(steps.LOG))


def _build(flags, macros, compiler, binary):
    """Link the probe with a BLAS; return whether that went well."""
    command = [compiler, "-O2", "-std=c++11", *macros, PROBE, "-o", binary]
    return steps.call(command + flags + ["-ldl"], timeout=60)[0] == 0


def _run(binary, sizes=(), threads=ALONE):
    """Run a probe on one core; return (seconds, library), or None if it is wrong."""
    command = [binary, *map(str, sizes)]
    status, said = steps.call(command, timeout=60, env={**steps.variables(), **threads})
    if status:
        return None
    seconds, _, library = said.partition(" ")
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
    with _folder() as folder:
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


def threads_from(binary):
    """From how many multiplications on a product gains by all cores.

    Where other programs have the cores, so that even a large product takes longer on
    all of them, this cannot be measured, and `USUAL` counts.

    Parameters
    ----------
    binary : str
        A probe, linked with a library that gives all cores to every product.
    """
    cores = {name: str(len(os.sched_getaffinity(0))) for name in ALONE}
    least = None
    for columns in (4096, 1024, 256, 64):
        sizes = columns, 64, 256
        one, every = (
            min([_run(binary, sizes, way) or (60, "") for _ in range(ROUNDS)])[0]
            for way in (ALONE, cores)
        )
        if every > GAIN * one:
            break
        least = float(columns * 64 * 256)
    return least or USUAL


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

    def build(threads):
        # Run folders note the name: where threads begin, a product may round otherwise.
        name = f"{LIBRARY}_{threads:.0f}"
        binary = os.path.join(folder, f"lib{name}.so")
        command = [compiler, "-O2", "-fPIC", "-shared", "-fopenmp", "-o", binary]
        command += [f"-DOPENBLAS_SGEMM={PREFIX}sgemm_", f"-DTHREADS_FROM={threads}"]
        command += [f"-DOPENBLAS_SET_NUM_THREADS={PREFIX}openblas_set_num_threads"]
        command += [PRODUCTS, "-L" + folder, "-l:libdnnl.so.3", *flags]
        status, _ = steps.call([*command, "-Wl,-rpath," + folder], timeout=60)
        return None if status else ["-L" + folder, "-l" + name]

    linked = build(0)
    if linked is None:
        return None
    with _folder() as place:
        probe = os.path.join(place, "probe")
        macros = [f"-Dsgemm_={LIBRARY}_sgemm_"]
        paths = [*linked, *flags, "-Wl,-rpath," + folder]
        if _build(paths, macros, compiler, probe) and _run(probe):
            return build(threads_from(probe))
    return linked


def _ways(wheel_folder, compiler, onednn_folder):
    """For each BLAS: Theano's flags, what the linker needs besides, and macros."""
    ways = {f"the system's {flag}": ([flag], [], []) for flag in SYSTEM}
    if wheel_folder:
        names = [kind + name + "_" for kind in "sd" for name in FUNCTIONS]
        macros = [f"-D{name}={PREFIX}{name}" for name in names]
        # With -L, Theano also writes the folder into what it links, as rpath does.
        flags = ["-L" + wheel_folder, "-l" + PREFIX + "openblas"]
        paths = ["-Wl,-rpath," + wheel_folder]
        ways[WHEEL] = flags, paths, macros
        before = onednn_folder and build_onednn(onednn_folder, flags + paths, compiler)
        if before:
            macros = [f"-Dsgemm_={LIBRARY}_sgemm_", *macros[1:]]
            paths = [*paths, "-Wl,-rpath," + onednn_folder]
            ways[ONEDNN] = before + flags, paths, macros
    return ways


def choose(wheel_folder, compiler, onednn_folder):
    """Measure the system's BLAS, the wheel's and oneDNN's product, and choose one.

    Parameters
    ----------
    wheel_folder : str or None
        The folder of the wheel's library.
    compiler : str
    onednn_folder : str
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
    ways = _ways(wheel_folder, compiler, onednn_folder)
    measured = measure(
        {n: (f + p, macros) for n, (f, p, macros) in ways.items()}, compiler
    )
    plain = {name: best[0] for name, best in measured.items() if name != ONEDNN}
    if not plain:
        raise RunError(
            f"no BLAS links on this {platform.machine()} machine, neither the wheel's "
            f"nor the system's; install one with {_advice(1)}"
        )
    chosen = min(plain, key=lambda n: plain[n] * (TOLERANCE if n == WHEEL else 1))
    if ONEDNN in measured and TOLERANCE * measured[ONEDNN][0] < min(plain.values()):
        chosen = ONEDNN
    systems = [name for name in plain if name != WHEEL]
    system = min(systems, key=plain.get, default="the system's")
    speed = {
        name: (
            f"{FLOP / measured[name][0] / 1e9:.0f} GFLOPS a core"
            if name in measured
            else "does not link"
        )
        for name in (system, WHEEL, ONEDNN)
    }
    others = "; ".join(f"{n} {speed[n]}" for n in speed if n != chosen)
    flags, _, macros = ways[chosen]
    settings = f"[blas]\nldflags = {' '.join(flags)}\n"
    if macros:
        settings += f"\n[gcc]\ncxxflags = {' '.join(macros)}\n"
    return settings, measured[chosen][1], f"{chosen}, {speed[chosen]} ({others})"
