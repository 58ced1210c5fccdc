"""`./reproduce bundle DIR`: what a machine without a network needs, in one folder.

``wheels/``      every pinned package, as pip takes them
``blocks.tar``   upstream Blocks at its commit, if it is to be had
``data/``        the published files of the data sets, if they are there
``images/``      both images, if asked for
``source.tar``   this archive as committed
``SHA256SUMS``   of all of these, for ``sha256sum --check``

`./reproduce setup --offline DIR` installs from it.
"""

import gzip
import os
import re
import shutil

from common import ROOT, published_files
from common.errors import RunError
from common.files import sha256_of
from install import blocks, environment, images, pip, steps, workflow

SUMS = "SHA256SUMS"
# A file of the bundle, never one outside of it.
LINE = re.compile(r"([0-9a-f]{64})  ((?!/)(?!.*\.\.).+)\n")
README = """\
What "Recurrent Normalization Propagation, reproduced" needs on a machine without a
network: x86-64 Linux with Python 3.8 and g++. In a checkout of the archive (source.tar
holds one) run

    ./reproduce setup --offline {folder}
    ./reproduce

Check this folder with `sha256sum --check SHA256SUMS`.
"""


def add_options(parser):
    """Add the options of ``./reproduce bundle``."""
    parser.add_argument("folder", metavar="DIR", help="where to; made if need be")
    parser.add_argument(
        "--blocks",
        metavar="upstream|standin|PATH",
        help="as for setup (default: what .venv has)",
    )
    parser.add_argument(
        "--data",
        metavar="FOLDER",
        default=os.path.join(ROOT, ".cache", "data", "raw"),
        help="where the published files of the data sets are (default: where "
        "`./reproduce data --keep-raw` leaves them)",
    )
    parser.add_argument(
        "--images",
        action="store_true",
        help="save the images that `./reproduce images` has built, too (3 GB)",
    )


def digest(path, unpack=open):
    """SHA-256 of a file, or of what `unpack` makes of it."""
    with unpack(path, "rb") as file:
        return sha256_of(file, steps.check)


def files(folder):
    """Paths of all files in a bundle, relative to it, but for the list of sums."""
    paths = []
    for place, _, names in os.walk(folder):
        paths += [os.path.relpath(os.path.join(place, name), folder) for name in names]
    return sorted(set(paths) - {SUMS, SUMS + ".new"})


def make(options):
    """Fill the folder; it is complete once it has its list of sums.

    Raises
    ------
    RunError
    """
    folder = os.path.abspath(os.path.expanduser(options.folder))
    sums = os.path.join(folder, SUMS)
    if os.path.isdir(folder) and os.listdir(folder) and not _is_bundle(folder):
        raise RunError(f"{folder} holds other things: name a new folder for the bundle")
    environment.ensure()
    try:
        os.makedirs(folder, exist_ok=True)
        if os.path.exists(sums):
            os.remove(sums)
        with open(os.path.join(folder, "README.txt"), "w") as file:
            file.write(README.format(folder=options.folder))
        wheels = os.path.join(folder, "wheels")
        if os.path.isdir(wheels):
            shutil.rmtree(wheels)  # perhaps of other versions
        _wheels(wheels)
        _blocks(options.blocks, os.path.join(folder, "blocks.tar"))
        _source(os.path.join(folder, "source.tar"))
        _data(options.data, os.path.join(folder, "data"))
        if options.images:
            _images(os.path.join(folder, "images"))
        _write_sums(folder)
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error}") from None


def _is_bundle(folder):
    """Whether a folder was begun here: somebody else's README.txt is another one."""
    try:
        with open(os.path.join(folder, "README.txt"), encoding="utf-8") as file:
            return file.readline() == README.splitlines(True)[0]
    except (OSError, UnicodeDecodeError):
        return False


def _wheels(folder):
    download = ["download", "--quiet", "--no-deps", "--dest", folder, *pip.LOCKED]
    none = {"CC": "true", "LDSHARED": "true"}
    for path in [environment.PACKAGES, environment.FUEL, *workflow.LISTS]:
        text = f"downloading what {os.path.relpath(path, ROOT)} names"
        pip.run(text, environment.PIP, *download, "-r", path, **none)


def _blocks(wanted, path):
    have = environment.read(environment.STAMP).get("blocks", {})
    if wanted is None and have.get("source") == "upstream":
        there = os.path.exists(have["from"])
        wanted = have["from"] if there else "upstream"
    choice = blocks.choose(wanted)
    if os.path.exists(path):
        os.remove(path)
    if choice["source"] == "upstream":
        blocks.write_tar(choice["files"], path)
    else:
        steps.say("  the bundle is without upstream Blocks: the stand-in will be used")


def _source(path):
    command = ["git", "-C", str(ROOT), "archive", "--output", path, "HEAD"]
    status, said = steps.call(command, timeout=60)
    if status:
        reason = said.rpartition("\n")[2]
        steps.say(f"  the bundle is without source.tar ({reason})")


def _data(source, folder):
    """Copy the published files that are in the folder `source`, once checked."""
    sets = published_files.PTB, published_files.BINARIZED_MNIST
    wanted = {**sets[0].checksums, **sets[1].checksums}
    copied = []
    for name, sha256 in wanted.items():
        path, unpack = os.path.join(source, name), open
        if os.path.isfile(path + ".gz"):
            path, name, unpack = path + ".gz", name + ".gz", gzip.open
        if os.path.isfile(path):
            if digest(path, unpack) != sha256:
                raise RunError(
                    f"{path} is not the published file (its SHA-256 differs): remove "
                    "it, or name another folder with --data"
                )
            os.makedirs(folder, exist_ok=True)
            shutil.copyfile(path, os.path.join(folder, name))
            copied.append(name)
    steps.say(
        f"  data: {', '.join(copied) or f'none of the published files in {source}'}"
    )


def _images(folder):
    os.makedirs(folder, exist_ok=True)
    docker = images.builder(None)[0] == "docker"
    for name in images.NAMES:
        path = os.path.join(folder, name + ".tar")
        if os.path.exists(path):
            os.remove(path)
        command = ["buildah", "push", name, "docker-archive:" + path + ":" + name]
        if docker:
            command = ["docker", "save", "--output", path, name]
        steps.run(f"saving {name}, which `./reproduce images` builds", command)


def _write_sums(folder):
    lines, size = [], 0
    with steps.Progress("computing checksums") as progress:
        for name in files(folder):
            lines.append(digest(os.path.join(folder, name)) + "  " + name + "\n")
            size += os.path.getsize(os.path.join(folder, name))
            progress.tick(name)
        path = os.path.join(folder, SUMS)
        with open(path + ".new", "w") as file:
            file.writelines(lines)
        os.replace(path + ".new", path)
        progress.note = f"{len(lines)} files, {size / 1e6:.0f} MB"
    steps.say(f"{folder} is complete; `./reproduce setup --offline {folder}` uses it")


def check(folder):
    """Compare a bundle's files with its list of sums; images are left out.

    Raises
    ------
    RunError
        Naming the first file that is missing or differs.
    """
    path = os.path.join(folder, SUMS)
    try:
        with open(path, encoding="utf-8") as file:
            lines = [LINE.fullmatch(line).groups() for line in file]
        listed = {name for _, name in lines}
        used = [n for n in files(folder) if n.startswith(("wheels/", "blocks.tar"))]
        if not lines or not listed.issuperset(used):
            raise ValueError
    except (OSError, ValueError, AttributeError):
        raise RunError(
            f"{folder} is not a complete bundle, it has no whole {SUMS}: make one with "
            "`./reproduce bundle DIR` where there is a network"
        ) from None
    with steps.Progress("checking the bundle") as progress:
        progress.note = f"{len(lines)} files"
        for sha256, name in lines:
            if name.startswith("images/"):
                continue
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or digest(path) != sha256:
                state = "damaged" if os.path.isfile(path) else "missing"
                raise RunError(f"{path} is {state}: copy the bundle again")
            progress.tick(name)


def install(options):
    """Set up from a bundle and nothing else."""
    folder = os.path.abspath(os.path.expanduser(options.offline))
    check(folder)
    wheels = os.path.join(folder, "wheels")
    for name in ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"]:
        os.environ.pop(name, None)
    only = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels}
    os.environ.update(only, PIP_CONFIG_FILE=os.devnull)
    copy = os.path.join(folder, "blocks.tar")
    wanted = options.blocks or (copy if os.path.exists(copy) else "standin")
    environment.ensure(wanted, report=True)
    if any(name.startswith("snakemake-") for name in os.listdir(wheels)):
        workflow.ensure()
    data = os.path.join(folder, "data")
    if os.path.isdir(data):
        steps.say(f"the data sets are converted by `./reproduce data --from {data}`")
