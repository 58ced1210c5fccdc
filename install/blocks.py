"""Getting the source of Blocks: upstream's pinned commit, or the stand-in."""

import hashlib
import os
import shutil
import tarfile

from common import ROOT
from common.errors import RunError
from install import steps

COMMIT = "c69c2dc2b9c90a8eac9e432690eb59ff99d2f28a"
URL = "https://github.com/mila-iqia/blocks"
STANDIN = os.path.join(ROOT, "standin")
# What was fetched stays here, so that a new .venv does not need the network.
MIRROR = os.path.join(ROOT, ".cache", "blocks.git")
REACH = 6  # seconds in which upstream has to answer


def _git(*arguments, **options):
    """Run git without questions; it may read a clone that somebody else owns."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_DIR")}
    for name in ["GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"]:
        env.pop(name, None)
    env.update(GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="true")
    command = ["git", "-c", "safe.directory=*"] + list(arguments)
    return steps.capture(command, env=env, **options)


def _has_commit(git_dir):
    # -t, for `cat-file -e` of a partial clone would go and fetch what it lacks.
    return _git("--git-dir", git_dir, "cat-file", "-t", COMMIT)[0] == 0


def standin_digest():
    """Hash of the stand-in's files, or None where there is no stand-in."""
    digest = hashlib.sha256()
    if not os.path.isfile(os.path.join(STANDIN, "setup.py")):
        return None
    for folder, folders, names in os.walk(STANDIN):
        folders[:] = sorted(set(folders) - {"__pycache__", "build"})
        folders[:] = [name for name in folders if not name.endswith(".egg-info")]
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith(".pyc"):
                digest.update(os.path.relpath(path, STANDIN).encode() + b"\0")
                with open(path, "rb") as file:
                    digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def choose(wanted):
    """Decide where Blocks comes from.

    Parameters
    ----------
    wanted : str or None
        ``upstream``, ``standin``, the path of a clone, or None for upstream if it
        can be reached within seconds and otherwise the stand-in.

    Returns
    -------
    dict
        ``source`` (``upstream``, ``standin`` or ``folder``), ``commit`` (None where
        there is no knowing) and ``from`` (address or path).

    Raises
    ------
    RunError
        If what is wanted cannot be had. Only the default falls back.
    """
    upstream = {"source": "upstream", "commit": COMMIT, "from": URL}
    standin = {"source": "standin", "commit": None, "from": STANDIN}
    if wanted == "standin":
        if standin_digest() is None:
            raise RunError(f"this checkout has no stand-in at {STANDIN}")
        return standin
    if wanted not in (None, "upstream"):
        return _from_path(os.path.abspath(os.path.expanduser(wanted)))
    if _has_commit(MIRROR):
        steps.say("  Blocks: upstream, fetched before")
        return upstream
    status, output = _git("ls-remote", URL, "HEAD", timeout=REACH)
    if status == 0:
        steps.say(f"  Blocks: upstream, {URL}")
        return upstream
    reason = {124: f"no answer in {REACH} s", 127: "git is not installed"}.get(
        status, output.strip().split("\n")[-1]
    )
    if wanted == "upstream":
        raise RunError(
            f"{URL} cannot be reached ({reason}); give a clone of it with --blocks "
            "PATH, or use --blocks standin"
        )
    if standin_digest() is None:
        raise RunError(
            f"{URL} cannot be reached ({reason}) and this checkout has no stand-in "
            f"at {STANDIN}; give a clone of upstream with `setup --blocks PATH`"
        )
    steps.say(f"  Blocks: the stand-in, for upstream cannot be reached ({reason})")
    return standin


def _from_path(path):
    """`choose` for a clone of upstream, its files unpacked, or a tar from git."""
    if os.path.isfile(path):
        return _from_tar(path)
    git_dir = os.path.join(path, ".git")
    if not os.path.exists(git_dir):
        bare = os.path.isfile(os.path.join(path, "HEAD"))
        git_dir = (
            path if bare and os.path.isdir(os.path.join(path, "objects")) else None
        )
    if git_dir is None:
        package = os.path.join(path, "blocks", "__init__.py")
        if os.path.isfile(package) and os.path.isfile(os.path.join(path, "setup.py")):
            steps.say(f"  Blocks: {path} as it is; its commit cannot be known")
            return {"source": "folder", "commit": None, "from": path}
        what = "has no Blocks in it" if os.path.isdir(path) else "is not a folder"
        raise RunError(
            f"--blocks {path}: {what}; give upstream, standin or a clone of {URL}"
        )
    if shutil.which("git") is None:
        raise RunError(f"git is needed to read the clone {path}; install it")
    if not _has_commit(git_dir):
        raise RunError(
            f"the clone {path} lacks the commit that this archive is pinned to; run "
            f"`git -C {path} fetch {URL} {COMMIT}`"
        )
    steps.say(f"  Blocks: upstream's commit {COMMIT[:8]} from the clone {path}")
    return {"source": "upstream", "commit": COMMIT, "from": path, "git": git_dir}


def _from_tar(path):
    """`choose` for what `git archive` made of a commit; it notes which."""
    try:
        with tarfile.open(path) as tar:
            commit = tar.pax_headers.get("comment")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RunError(f"--blocks {path}: not a tar file ({error})") from None
    if commit != COMMIT:
        raise RunError(
            f"--blocks {path}: not what `git archive {COMMIT}` makes in a clone of "
            f"{URL}"
        )
    steps.say(f"  Blocks: upstream's commit {COMMIT[:8]} from {path}")
    return {"source": "upstream", "commit": COMMIT, "from": path, "tar": path}


def archive(choice, path):
    """Write the files of upstream's commit, `choice`, to the new tar file `path`.

    Raises
    ------
    RunError
    """
    if "tar" in choice:
        shutil.copyfile(choice["tar"], path)
        return
    git_dir = choice.get("git", MIRROR)
    if git_dir == MIRROR and not _has_commit(MIRROR):
        _fetch_mirror()
    status, output = _git(
        "--git-dir", git_dir, "archive", "--output", path, COMMIT, timeout=60
    )
    if status:
        raise RunError(
            f"{git_dir} has commit {COMMIT[:8]} but not all of its files "
            f"({output.strip()}); give a complete clone"
        )


def _fetch_mirror():
    shutil.rmtree(MIRROR, ignore_errors=True)
    progress = steps.Progress("fetching Blocks")
    status, output = _git("init", "--quiet", "--bare", MIRROR)
    if status == 0:
        arguments = ["--git-dir", MIRROR, "fetch", "--quiet", "--depth", "1"]
        status, output = _git(*arguments, URL, COMMIT, timeout=300, tick=progress.tick)
    if status:
        progress.failed()
        raise RunError(
            f"fetching {COMMIT[:8]} from {URL} failed ({output.strip()}); run the "
            "same command again, or choose `setup --blocks standin`"
        )
    progress.done()


def fetch(choice, folder):
    """Put the source of the chosen Blocks into the new folder `folder`.

    A copy, so that building leaves nothing behind in somebody's clone, and so that
    an older build's left-overs do not get in.
    """
    if choice["source"] != "upstream":
        ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", ".git")
        shutil.copytree(choice["from"], folder, ignore=ignored)
        return
    os.mkdir(folder)
    archive(choice, folder + ".tar")
    with tarfile.open(folder + ".tar") as tar:
        # Newer Pythons ask for the filter, older ones do not know it.
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(folder, **safe)
