"""What the bundle of docker/gpu-bundle takes of the image reproduce-ptb, and how."""

import fnmatch
import glob
import os
import re
import shutil
import subprocess

from common.errors import RunError

VENV = "opt/reproduce/.venv"
IMAGE_SITE = f"{VENV}/lib/python3.8/site-packages"
SITE = "usr/local/lib/python3.8/site-packages"
GCC = "usr/lib/gcc/x86_64-linux-gnu/12"
LIBRARIES = "usr/lib/x86_64-linux-gnu"

# What is taken, as patterns of names in folders of the image. It stays where it is,
FOLDERS = {
    "usr/local": "bin/python3.8 include/python3.8 lib/libpython3.8.so* lib/python3.8",
    "usr/include": "*.h asm-generic c++ gpuarray linux/*.h x86_64-linux-gnu",
    "usr/lib": "libgpuarray.so*",
    GCC: "cc1plus collect2 liblto_plugin.so crt*S.o libgcc.a libgcc_s.so libstdc++.so "
    "include",
    LIBRARIES: "crti.o crtn.o Scrt1.o libc.so libc_nonshared.a libm.so libmvec.so.1 "
    "libgcc_s.so.1 libnss_files.so.2",
    "opt/cuda": "lib/libnvrtc* LICENSE*",
    "opt/reproduce": "bricks common datasets engine experiments runs training theanorc "
    "published.yaml ptb_experiment.py draw_experiment.py LICENSE "
    "docker/entry.py docker/gpu_check.py docker/gpu_compare.py docker/gpu_start.py "
    "docker/gpu_train.py docker/gpu_worker.py",
}
PARTS = {f"{f}/{name}": None for f, names in FOLDERS.items() for name in names.split()}
# or goes elsewhere:
PARTS.update(
    {
        "usr/bin/x86_64-linux-gnu-g++-12": "usr/bin/g++",
        "usr/bin/x86_64-linux-gnu-as": f"{GCC}/as",
        "usr/bin/x86_64-linux-gnu-ld.bfd": f"{GCC}/ld",
        f"{VENV}/blocks.json": "usr/local/blocks.json",
    }
)
PACKAGES = (
    "Theano-1.0.5.dist-info blocks blocks-*.dist-info fuel fuel-*.dist-info mako "
    "markupsafe numpy numpy-*.dist-info numpy.libs packaging picklable_itertools "
    "pkg_resources progressbar pygpu pygpu-*.dist-info python_utils pyparsing "
    "pyzmq.libs requests scipy_openblas32 six.py theano toolz tqdm "
    "typing_extensions.py urllib3 yaml zmq certifi charset_normalizer idna"
)
PARTS.update({f"{IMAGE_SITE}/{name}": SITE for name in PACKAGES.split()})
# What training takes besides.
TRAINING = {f"{IMAGE_SITE}/{name}": SITE for name in ("h5py", "h5py-*.dist-info")}
LEAVE_OUT = [
    "*/__pycache__*",
    "*/tests/test_*",
    "*/tests/data/*",
    "usr/local/lib/python3.8/test/*",
    "*.pyi",
    "*.pyx",
    "*.pxd",
    *(
        f"usr/local/lib/python3.8/{name}/*"
        for name in (
            "config-* ensurepip idlelib lib2to3 pydoc_data tkinter turtledemo".split()
        )
    ),
    "*/lib-dynload/_test*",
    "*/lib-dynload/_tkinter*",
]
# What Fuel imports and nothing here uses; h5py is for data that are not built in.
EMPTY = ("h5py.py", "tables.py", "PIL/__init__.py", "PIL/Image.py")
# Programs, which are started with the bundle's own C library.
PROGRAMS = {
    "usr/local/bin/python3.8": "",
    "usr/bin/g++": '--sysroot="$root"',
    f"{GCC}/cc1plus": "",
    f"{GCC}/collect2": "",
    f"{GCC}/as": "",
    f"{GCC}/ld": "",
}
WRAPPER = """\
#!/bin/sh
unset LD_PRELOAD
root=${{0%/*}}/{up}
libraries="$root/{libraries}:$root/usr/lib:$root/usr/local/lib:$root/opt/cuda/lib"
exec "$root/ld.so" --library-path "$root/found:$libraries" --argv0 "$0" \\
    "$0.bin" {extra} "$@"
"""


def choose(root):
    """Yield the path of each file in the image and in the bundle."""
    for pattern, target in PARTS.items():
        found = sorted(glob.glob(os.path.join(glob.escape(root), pattern)))
        if not found:
            raise RunError(f"the image has no /{pattern}")
        for full in found:
            path = os.path.relpath(full, root)
            goal = target or path
            if target == SITE:
                goal = os.path.join(SITE, os.path.basename(path))
            for inside in walk(full):
                # `normpath`: "." for a file.
                there = os.path.normpath(os.path.join(goal, inside))
                if not any(fnmatch.fnmatch(there, each) for each in LEAVE_OUT):
                    yield os.path.normpath(os.path.join(path, inside)), there


def walk(path):
    """Paths of the files below `path`, relative to it; of a file, ``.``."""
    if not os.path.isdir(path):
        yield "."
    for folder, folders, names in os.walk(path):
        if "python3.8" == os.path.basename(folder):
            folders[:] = [name for name in folders if name != "site-packages"]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), path)


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path):
    """Names of the libraries that an ELF file asks for."""
    output = subprocess.check_output(["readelf", "--dynamic", "--wide", path])
    return re.findall(r"\(NEEDED\).*\[(.*)\]", output.decode())


def real(root, path):
    """Path in the image of the file that links in it lead to."""
    while os.path.islink(os.path.join(root, path)):
        to = os.readlink(os.path.join(root, path))
        path = os.path.normpath(os.path.join("/", os.path.dirname(path), to))[1:]
    return path


def copy(root, bundle):
    """Copy the files, and the libraries that they need."""
    waiting = list(choose(root))
    present = {os.path.basename(target) for _, target in waiting}
    while waiting:
        source, target = waiting.pop()
        path, full = os.path.join(bundle, target), os.path.join(root, source)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(full) and source == target:
            to = os.readlink(full)
            if not to.startswith("/"):
                os.symlink(to, path)
                file = os.path.normpath(os.path.join(os.path.dirname(source), to))
                if os.path.basename(file) not in present:
                    present.add(os.path.basename(file))
                    waiting.append((file, file))
                continue
        full = os.path.join(root, real(root, source))
        shutil.copyfile(full, path)
        shutil.copymode(full, path)
        if not is_elf(path):
            continue
        for name in needed(path):
            if name in present or name == "ld-linux-x86-64.so.2":
                continue
            # A library that lies elsewhere is its wheel's own, and copied with it.
            for folder in (LIBRARIES, "usr/lib"):
                if os.path.lexists(os.path.join(root, folder, name)):
                    present.add(name)
                    waiting.append((f"{folder}/{name}", f"{LIBRARIES}/{name}"))
                    break
        if not re.search(r"\.libs/|/numpy/|/scipy|/opt/cuda/|/h5py/", path):
            # The others have been through patchelf, which strip does not understand.
            subprocess.check_call(["strip", "--strip-unneeded", path])
    for name in EMPTY:
        path = os.path.join(bundle, SITE, name)
        if os.path.isdir(os.path.splitext(path)[0]):
            continue  # the package itself
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").close()
    loader = real(root, "usr/lib64/ld-linux-x86-64.so.2")
    shutil.copyfile(os.path.join(root, loader), os.path.join(bundle, "ld.so"))
    os.chmod(os.path.join(bundle, "ld.so"), 0o755)
    # libc.so names it by this path, for the linker.
    os.makedirs(os.path.join(bundle, "lib64"), exist_ok=True)
    os.symlink("../ld.so", os.path.join(bundle, "lib64/ld-linux-x86-64.so.2"))
    os.symlink("usr/lib", os.path.join(bundle, "lib"))
    for name, extra in PROGRAMS.items():
        path = os.path.join(bundle, name)
        os.rename(path, path + ".bin")
        up = os.path.relpath(".", os.path.dirname(name))
        with open(path, "w") as file:
            file.write(WRAPPER.format(up=up, libraries=LIBRARIES, extra=extra))
        os.chmod(path, 0o755)
    # Theano asks the compiler for C what processor this is; the one for C++ knows.
    with open(os.path.join(bundle, GCC, "cc1plus")) as file:
        script = file.read().replace('"$0.bin"', f'"$root/{GCC}/cc1plus.bin"')
    with open(os.path.join(bundle, GCC, "cc1"), "w") as file:
        file.write(script)
    os.chmod(os.path.join(bundle, GCC, "cc1"), 0o755)
    os.mkdir(os.path.join(bundle, "found"))
