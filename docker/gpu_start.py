"""The first program of a GPU bundle: unpack, find the libraries, check or train.

`docker/gpu-bundle` puts it there; it has only part of Python's library at first.
"""

import fnmatch
import glob
import hashlib
import os
import subprocess
import sys
import tarfile

# Where the driver's and CUDA's libraries lie, besides where the system looks itself.
DRIVER = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/usr/lib64",
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    "/run/opengl-driver/lib",
    "/usr/local/cuda*/compat",
]
CUDA = [
    "/usr/local/cuda*/lib64",
    "/usr/local/cuda*/targets/x86_64-linux/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/opt/cuda*/lib64",
]
# Of pip's packages: nvidia-cublas-cu11, -cu12, or nvidia-cublas of CUDA 13, which
# PyTorch and JAX bring.
PIP = [
    f"lib/python3*/{packages}/nvidia/{name}/lib"
    for packages in ("site-packages", "dist-packages")
    for name in ("cublas", "cu13")
]
PLACES = [
    *"/usr /usr/local /opt/* /opt/*/.venv /opt/conda/envs/*".split(),
    *"/root/* /home/*/*".split(),
]
# What Theano calls of OpenBLAS, whose wheel puts a prefix to the names.
BLAS = "sgemm sgemv sger sdot dgemm dgemv dger ddot".split()
# Versions whose functions are those that libgpuarray calls. The last one has dropped
# cards older than compute capability 7.5.
CUBLAS = ("12", "11", "13")


def unpack(archive, offset, digest, root):
    """Unpack what follows byte `offset`; once, and only if it is complete."""
    done = os.path.join(root, "unpacked")
    if os.path.exists(done) and open(done).read() == digest:
        return
    print(f"unpacking into {root} ...", file=sys.stderr, flush=True)
    found = hashlib.sha256()
    with open(archive, "rb") as file:
        file.seek(offset)
        for piece in iter(lambda: file.read(1 << 20), b""):
            found.update(piece)
        if found.hexdigest() != digest:
            sys.exit(f"{archive} is damaged: copy it again")
        file.seek(offset)
        with tarfile.open(fileobj=file, mode="r|xz") as tar:
            tar.extractall(root)
    with open(done, "w") as file:
        file.write(digest)


def folders(patterns):
    """Folders that patterns name, each once."""
    found = []
    for pattern in patterns:
        found += [path for path in sorted(glob.glob(pattern)) if os.path.isdir(path)]
    return list(dict.fromkeys(map(os.path.realpath, found)))


def cached(name):
    """Where the system's own list of libraries has `name`, or None."""
    try:
        lines = subprocess.check_output(["/sbin/ldconfig", "-p"]).decode().splitlines()
    except (OSError, subprocess.CalledProcessError):
        return None
    for line in lines:
        if line.split(" ")[0].strip() == name and "x86-64" in line:
            return line.rpartition(" => ")[2]
    return None


def look_for(name, places):
    """Path of a library in the user's folders, in `places` or the system's; or None."""
    own = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    for folder in [*filter(None, own), *places]:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    return cached(name)


def environments():
    """Where the Pythons lie that the user would start, virtual environments too."""
    paths = filter(None, os.environ.get("PATH", "").split(os.pathsep))
    found = [path for path in paths if os.path.exists(os.path.join(path, "python3"))]
    return [os.path.dirname(os.path.normpath(path)) for path in found]


def find_libraries(root):
    """Link the machine's libraries under the names that libgpuarray asks for.

    Returns
    -------
    list of str
        What was found, one line each.
    """
    lines, found = [], os.path.join(root, "found")
    for name in os.listdir(found):
        os.remove(os.path.join(found, name))
    driver = look_for("libcuda.so.1", folders(DRIVER))
    lines.append(f"NVIDIA driver: {driver or 'none found'}")
    if driver:
        os.symlink(driver, os.path.join(found, "libcuda.so"))
        os.symlink(driver, os.path.join(found, "libcuda.so.1"))
        # What the driver opens itself, to compile PTX for instance.
        beside = os.path.dirname(driver)
        for name in fnmatch.filter(os.listdir(beside), "libnvidia-*.so*"):
            os.symlink(os.path.join(beside, name), os.path.join(found, name))
    pythons = [*map(glob.escape, environments()), *PLACES]
    places = folders([*CUDA, *(f"{place}/{pip}" for place in pythons for pip in PIP)])
    for version in CUBLAS:
        name = f"libcublas.so.{version}"
        cublas = look_for(name, places)
        light = look_for(
            f"libcublasLt.so.{version}", [os.path.dirname(cublas or ""), *places]
        )
        if cublas and light:
            os.symlink(cublas, os.path.join(found, "libcublas.so"))
            os.symlink(cublas, os.path.join(found, name))
            os.symlink(light, os.path.join(found, f"libcublasLt.so.{version}"))
            lines.append(f"cuBLAS: {cublas}")
            break
    else:
        lines.append(
            "cuBLAS: none found; a folder with libcublas.so.13, .12 or .11 can be "
            "named in LD_LIBRARY_PATH (pip install nvidia-cublas-cu12 has one)"
        )
    return lines


def settings(root):
    """Write Theano's settings for the place where the bundle lies."""
    local = os.path.join(root, "usr/local")
    wheel = os.path.join(local, "lib/python3.8/site-packages/scipy_openblas32/lib")
    macros = [f"-D{name}_=scipy_{name}_" for name in BLAS]
    with open(os.path.join(local, "theanorc"), "w") as file:
        file.write(
            f"[global]\ncxx = {root}/usr/bin/g++\n"
            f"[blas]\nldflags = -L{wheel} -lscipy_openblas\n"
            f"[gcc]\ncxxflags = {' '.join(macros)}\n"
        )
    variables = {
        "REPRODUCE_COMPILEDIR": os.path.join(root, "compiled"),
        "HOME": root,
        "USER": "reproduce",
        "FUEL_DATA_PATH": root,
    }
    # Of the user's own Pythons; and the machine's compiler is not the bundle's.
    drop = ("PYTHON", "LD_", "THEANO", "CPATH", "C_INCLUDE", "CPLUS", "LIBRARY_PATH")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    return {**kept, **variables}


def main(archive, offset, digest, *words):
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
    for character in " \t\n,:":
        if character in root:
            sys.exit(
                f"{root} contains {character!r}, which Theano's settings cannot carry: "
                "name another folder with --to"
            )
    unpack(archive, int(offset), digest, root)
    for line in find_libraries(root):
        print(line, file=sys.stderr, flush=True)
    name = "gpu_train.py" if words[:1] in (("train",), ("state",)) else "gpu_check.py"
    program = os.path.join(root, "opt/reproduce/docker", name)
    os.execve(sys.executable, [sys.executable, program, *words], settings(root))


if __name__ == "__main__":
    main(*sys.argv[1:])
