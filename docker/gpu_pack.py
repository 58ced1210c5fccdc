"""Writing the file of docker/gpu-bundle: a shell script with two archives behind it."""

import hashlib
import io
import os
import subprocess
import tarfile

from gpu_parts import LIBRARIES

HEAD = """\
#!/bin/sh
# Compares this machine's GPU with its CPU on the published configurations of
# "Recurrent Normalization Propagation", and prints a JSON report; made by
# docker/gpu-bundle. It needs an x86-64 Linux, an NVIDIA driver (R520 or newer; R575 for
# CUDA 12.9), cuBLAS of CUDA 11 to 13, 400 MB of disk, sh, tar and gzip.
#   sh FILE [--to DIR] [options of the check; --help lists them]
# Made with --train, it trains, too (docs/GPU.md):
#   sh FILE [--to DIR] train [options of ptb_experiment.py]
set -eu
to=${{TMPDIR:-/tmp}}/reproduce-gpu-check-$(id -u)
if [ "${{1:-}}" = --to ]; then
    mkdir -p -m 700 "$2"; to=$(cd "$2" && pwd -P); shift 2
fi
mkdir -p -m 700 "$to"
# Somebody else can have made it, for its name can be foreseen.
if ! [ -O "$to" ] || ! ls -ld "$to" | grep -q '^d....-..-'; then
    echo "$to is not this user's alone: name another with --to" >&2; exit 1; fi
to=$(cd "$to" && pwd -P)
# What starts Python; the rest is Python's to unpack.
if [ "$(cat "$to/unpacked" 2>/dev/null)" != {digest} ]; then
    tail -c +{first:010d} "$0" | head -c {length:010d} | tar -xzf - -C "$to"
fi
exec "$to/usr/local/bin/python3.8" "$to/opt/reproduce/docker/gpu_start.py" \\
    "$0" {second:010d} {digest} "$@"
exit 1
"""


def starters(bundle):
    """Paths in the bundle of what Python needs to unpack an archive of xz's."""
    place = os.path.join(bundle, "opt/reproduce/docker")
    code = (
        f"import sys; sys.path[:0] = [{place!r}]\n"
        "import encodings.idna, gpu_start, lzma, zlib\n"
        "for m in list(sys.modules.values()):\n"
        "    if getattr(m, '__file__', None): print('file', m.__file__)\n"
        "for line in open('/proc/self/maps'): print('file', line.split()[-1])\n"
    )
    python = os.path.join(bundle, "usr/local/bin/python3.8")
    output = subprocess.check_output([python, "-I", "-B", "-c", code]).decode()
    found = {line[5:] for line in output.splitlines() if line.startswith("file ")}
    found = {os.path.realpath(path) for path in found if path.startswith("/")}
    base = os.path.realpath(bundle)
    for folder in (LIBRARIES, "usr/local/lib"):  # links to these, too
        paths = [os.path.join(base, folder, n) for n in os.listdir(f"{base}/{folder}")]
        found |= {path for path in paths if os.path.realpath(path) in found}
    names = {os.path.relpath(p, base) for p in found if p.startswith(base + os.sep)}
    names |= {"ld.so", "usr/local/bin/python3.8", "usr/local/bin/python3.8.bin"}
    names |= {"found", "usr/local/lib/python3.8/lib-dynload"}
    return sorted(n for n in names if os.path.exists(os.path.join(base, n)))


def pack(bundle, path, preset):
    """Write the file; return its size."""

    def plain(member):
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return member

    start = starters(bundle)
    first, second = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=first, mode="w:gz", compresslevel=9) as tar:
        for name in start:
            tar.add(os.path.join(bundle, name), name, filter=plain, recursive=False)
    names = []
    for folder, folders, files in os.walk(bundle):
        files += [n for n in folders if os.path.islink(os.path.join(folder, n))]
        names += [os.path.relpath(os.path.join(folder, n), bundle) for n in files]
    # Like beside like: libraries, then text.
    names.sort(key=lambda name: (".so" not in name, os.path.splitext(name)[1], name))
    with tarfile.open(fileobj=second, mode="w:xz", preset=preset) as tar:
        for name in names:
            if name not in start:
                tar.add(os.path.join(bundle, name), name, filter=plain)
    digest = hashlib.sha256(second.getvalue()).hexdigest()
    fill = {"first": 0, "length": len(first.getvalue()), "second": 0, "digest": digest}
    fill["first"] = len(HEAD.format(**fill)) + 1  # tail counts from one
    fill["second"] = fill["first"] - 1 + fill["length"]
    with open(path + ".new", "wb") as file:
        file.write(HEAD.format(**fill).encode())
        file.write(first.getvalue())
        file.write(second.getvalue())
    os.chmod(path + ".new", 0o755)
    os.replace(path + ".new", path)
    return os.path.getsize(path)
