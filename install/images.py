"""`./reproduce images`: build both images with Docker or, without a daemon, buildah."""

import os
import shutil
import sys

from common import ROOT
from common.errors import RunError
from install import blocks, steps

NAMES = ["reproduce-ptb", "reproduce-draw"]
# Where the Dockerfile takes a copy of Blocks from.
COPY = os.path.join("docker", "blocks", "blocks.tar")
SECRETS = {
    "ca": "certificates (PEM) of a network that has its own",
    "pip": "a pip.conf for the build",
    "apt": "an apt.conf for the build",
}


def add_options(parser):
    """Add the options of ``./reproduce images``."""
    parser.add_argument(
        "--blocks",
        metavar="upstream|standin|PATH",
        default="upstream",
        help="which Blocks the images get: upstream's pinned commit from its "
        "repository, from a clone at PATH, or the stand-in (default: upstream)",
    )
    parser.add_argument(
        "--with",
        dest="builder",
        choices=["docker", "buildah"],
        help="what builds them (default: docker if its daemon answers, else buildah)",
    )
    parser.add_argument(
        "--base",
        metavar="IMAGE",
        help="build on this image instead of the official one",
    )
    parser.add_argument(
        "--cuda",
        choices=["11.8", "12.9"],
        default="11.8",
        help="which CUDA they get: 11.8 for GPUs of compute capability 3.5 to 9.0, "
        "12.9 for 5.0 to 12.1 and newer drivers (default: 11.8)",
    )
    parser.add_argument(
        "--debian", metavar="URL", help="another address of Debian's packages"
    )
    for name, what in SECRETS.items():
        parser.add_argument(
            f"--{name}",
            metavar="FILE",
            help=f"{what}; it does not stay in the images",
        )


def builder(wanted):
    """Return the command that builds: docker's or buildah's.

    Raises
    ------
    RunError
        If what is wanted, or either, does not work here.
    """
    if wanted != "buildah" and shutil.which("docker"):
        if steps.call(["docker", "version"])[0] == 0:
            return ["docker", "build"]
    if wanted == "docker":
        raise RunError(
            "docker does not answer: start its daemon, or use --with buildah"
        )
    if shutil.which("buildah"):
        # Its default isolation needs more than every machine allows.
        return ["buildah", "build", "--layers", "--isolation", "chroot"]
    raise RunError(
        "there is neither a Docker daemon that answers nor buildah: start the one or "
        "install the other (Debian and Ubuntu: apt-get install buildah)"
    )


def commands(options, build):
    """Return the command for each image.

    Parameters
    ----------
    options : argparse.Namespace
        With ``blocks`` as the Dockerfile takes it.
    build : list of str
    """
    common = list(build)
    for name in ("blocks", "base", "cuda", "debian"):
        if getattr(options, name):
            common += ["--build-arg", f"{name.upper()}={getattr(options, name)}"]
    for name in SECRETS:
        path = getattr(options, name)
        if path:
            if not os.path.isfile(path):
                raise RunError(f"--{name}: there is no file {path}")
            common += ["--secret", f"id={name},src={os.path.abspath(path)}"]
    return [common + ["--target", name, "--tag", name, str(ROOT)] for name in NAMES]


def build(options):
    """Build both images; what the builder says goes to the terminal.

    Raises
    ------
    RunError
    """
    copy = os.path.join(ROOT, COPY)
    build = builder(options.builder)
    try:
        if options.blocks not in ("upstream", "standin"):
            choice = blocks.choose(options.blocks)
            if choice["source"] != "upstream":
                raise RunError(
                    f"--blocks {options.blocks} is not a clone of {blocks.URL}"
                )
            blocks.write_tar(choice["files"], copy)
            options.blocks = COPY
        for command in commands(options, build):
            steps.say(f"building {command[-2]}: {' '.join(command)}")
            # Docker's older builder knows nothing of secrets.
            env = dict(os.environ, DOCKER_BUILDKIT="1")
            status, said = steps.call(command, sys.stderr, timeout=None, env=env)
            if status:
                raise RunError(
                    f"{command[-2]} was not built (exit status {status}); the reason "
                    f"is {said or 'above'}"
                )
    finally:
        if os.path.exists(copy) and options.blocks == COPY:
            os.remove(copy)
    steps.say(f"built {' and '.join(NAMES)}; try `docker run --rm {NAMES[0]} quick`")
