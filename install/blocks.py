"""Getting the source of Blocks: upstream's pinned commit, or the stand-in."""

import hashlib
import io
import lzma
import os
import shutil
import tarfile
import tempfile
import zlib

from common import ROOT
from common.errors import RunError
from install import steps

COMMIT = "c69c2dc2b9c90a8eac9e432690eb59ff99d2f28a"
# By this name the commit calls its files: a hash of their names, modes and contents.
TREE = "e61473fb9924b801abe84aa5a33f030f26deff19"
URL = "https://github.com/mila-iqia/blocks"
STANDIN = os.path.join(ROOT, "standin")
# What was fetched stays here, so that a new .venv does not need the network.
MIRROR = os.path.join(ROOT, ".cache", "blocks.git")
REACH = 6  # seconds in which upstream has to answer
LARGEST = 20e6  # bytes; upstream's files have 1e6
LEFT_OUT = {"__pycache__", "build", ".git"}
DAMAGED = zlib.error, lzma.LZMAError


# Files are handled as a dict: for each path whether it can be run, and its content.


def read_folder(folder):
    """The files in a folder, without what building leaves there."""
    files = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [n for n in folders if n not in LEFT_OUT and ".egg-info" not in n]
        for path in [os.path.join(place, name) for name in names]:
            with open(path, "rb") as file:
                able = bool(os.fstat(file.fileno()).st_mode & 0o100)
                files[os.path.relpath(path, folder)] = able, file.read()
    return files


def read_tar(path):
    """The files in a tar; nothing is unpacked.

    Raises
    ------
    RunError
        If it is none, or too large.
    """
    files, size = {}, 0
    try:
        with tarfile.open(path) as tar:
            for member in filter(tarfile.TarInfo.isreg, tar):
                size += member.size
                if size > LARGEST:
                    raise RunError(f"--blocks {path}: more than {LARGEST / 1e6:.0f} MB")
                content = tar.extractfile(member).read()
                files[member.name] = bool(member.mode & 0o100), content
    except (tarfile.TarError, OSError, EOFError, ValueError, *DAMAGED) as error:
        raise RunError(f"--blocks {path}: not a tar file ({error})") from None
    # GitHub puts all into one folder.
    if len({name.partition("/")[0] for name in files}) == 1:
        files = {name.partition("/")[2]: about for name, about in files.items()}
    return files


def tree(files):
    """git's name for a folder with these files in it."""

    def name_of(kind, content):
        return hashlib.sha1(b"%s %d\0" % (kind, len(content)) + content)

    lines, folders = [], {}
    for path, (able, content) in files.items():
        name, _, rest = path.partition(os.sep)
        if rest:
            folders.setdefault(name, {})[rest] = able, content
        else:
            mode = b"100755" if able else b"100644"
            lines.append((name.encode(), mode, name_of(b"blob", content).digest()))
    for name, inside in folders.items():
        # With this ending they are sorted.
        lines.append((name.encode() + b"/", b"40000", bytes.fromhex(tree(inside))))
    body = b"".join(
        b"%s %s\0%s" % (mode, name.rstrip(b"/"), digest)
        for name, mode, digest in sorted(lines)
    )
    return name_of(b"tree", body).hexdigest()


def standin_digest():
    """Hash of the stand-in's files, or None where there is no stand-in."""
    if not os.path.isfile(os.path.join(STANDIN, "setup.py")):
        return None
    files = read_folder(STANDIN)
    return tree({p: about for p, about in files.items() if not p.endswith(".pyc")})


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
        there is no knowing), ``from`` (address or path) and ``files``. Those of
        upstream are its commit's, whatever they come from.

    Raises
    ------
    RunError
        If what is wanted cannot be had. Only the default falls back.
    """
    upstream = {"source": "upstream", "commit": COMMIT, "from": URL}
    if wanted == "standin":
        return _standin("")
    if wanted not in (None, "upstream"):
        return _from_path(os.path.abspath(os.path.expanduser(wanted)))
    files, _ = _read_repository(MIRROR)
    if files is not None and tree(files) == TREE:
        steps.say("  Blocks: upstream, fetched before")
        return dict(upstream, files=files)
    status, said = _git("ls-remote", URL, "HEAD", timeout=REACH)
    if status == 0:
        steps.say(f"  Blocks: upstream, {URL}")
        return dict(upstream, files=_fetch())
    reason = "git is not installed" if status == 127 else said.split("\n")[-1]
    if wanted == "upstream":
        raise RunError(
            f"{URL} cannot be reached ({reason}); give a clone of it with --blocks "
            "PATH, or use --blocks standin"
        )
    standin = _standin(f"{URL} cannot be reached ({reason}) and ")
    steps.say(f"  Blocks: the stand-in, for upstream cannot be reached ({reason})")
    return standin


def _standin(why):
    if standin_digest() is None:
        raise RunError(
            f"{why}this checkout has no stand-in at {STANDIN}; give a clone of "
            "upstream with `setup --blocks PATH`"
        )
    files = read_folder(STANDIN)
    return {"source": "standin", "commit": None, "from": STANDIN, "files": files}


def _from_path(path):
    """`choose` for a clone of upstream, its files unpacked, or a tar of them."""
    git_dir = os.path.join(path, ".git")
    if os.path.isfile(path):
        files = read_tar(path)
    elif os.path.exists(git_dir) or os.path.isdir(os.path.join(path, "objects")):
        files, reason = _read_repository(git_dir if os.path.exists(git_dir) else path)
        if files is None:
            raise RunError(
                f"the clone {path} lacks the commit that this archive is pinned to, "
                f"or some of its files ({reason}): run "
                f"`git -C {path} fetch {URL} {COMMIT}`"
            )
    elif {"setup.py", "blocks"} <= set(os.listdir(path) if os.path.isdir(path) else ()):
        steps.say(f"  Blocks: {path} as it is; its commit cannot be known")
        files = read_folder(path)
        return {"source": "folder", "commit": None, "from": path, "files": files}
    else:
        what = "has no Blocks in it" if os.path.isdir(path) else "is not a folder"
        raise RunError(
            f"--blocks {path}: {what}; give upstream, standin or a clone of {URL}"
        )
    if tree(files) != TREE:
        raise RunError(
            f"--blocks {path}: its files are not those of commit {COMMIT} of {URL}; "
            "give a clone of it, or what `git archive` makes of that commit there"
        )
    steps.say(f"  Blocks: upstream's commit {COMMIT[:8]} from {path}")
    return {"source": "upstream", "commit": COMMIT, "from": path, "files": files}


def _git(*arguments, **options):
    """Run git without questions."""
    env = dict(steps.variables(), GIT_TERMINAL_PROMPT="0", GIT_ASKPASS="true")
    return steps.call(["git", *arguments], **{"env": env, **options})


def _read_repository(git_dir):
    """Read the commit's files from a repository that a stranger may have made.

    A new repository borrows its objects, and nothing else: no settings, attributes,
    filters or replacements, nor the user's own, some of which change line ends.

    Returns
    -------
    files : dict or None
    reason : str
        Why there are none.
    """
    status, objects = _git("--git-dir", git_dir, "rev-parse", "--git-path", "objects")
    if status:
        return None, objects.split("\n")[-1]
    with tempfile.TemporaryDirectory() as folder:
        names = {"HOME": folder, "XDG_CONFIG_HOME": folder, "GIT_DIR": folder}
        env = dict(names, PATH=os.environ.get("PATH", os.defpath), LC_ALL="C")
        env.update(GIT_CONFIG_NOSYSTEM="1", GIT_ATTR_NOSYSTEM="1")
        _git("init", "--quiet", "--bare", "--template=", folder, env=env)
        os.makedirs(os.path.join(folder, "objects", "info"), exist_ok=True)
        with open(os.path.join(folder, "objects", "info", "alternates"), "w") as file:
            file.write(os.path.join(git_dir, objects) + "\n")
        tar = os.path.join(folder, "tar")
        status, said = _git("archive", "--output", tar, COMMIT, env=env, timeout=60)
        return (None, said.split("\n")[-1]) if status else (read_tar(tar), "")


def _fetch():
    shutil.rmtree(MIRROR, ignore_errors=True)
    with steps.Progress("fetching Blocks") as progress:
        status, said = _git("init", "--quiet", "--bare", MIRROR)
        if status == 0:
            arguments = ["--git-dir", MIRROR, "fetch", "--quiet", "--depth", "1"]
            options = {"timeout": 300, "tick": progress.tick}
            status, said = _git(*arguments, URL, COMMIT, **options)
        files = None
        if status == 0:
            files, said = _read_repository(MIRROR)
        if files is None or tree(files) != TREE:
            raise RunError(
                f"fetching {COMMIT[:8]} from {URL} failed ({said or 'other files'}); "
                "run the same command again, or choose `setup --blocks standin`"
            )
    return files


def write_tar(files, path):
    """Write files to the new tar `path`."""
    with tarfile.open(path, "w") as tar:
        for name, (able, content) in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if able else 0o644
            tar.addfile(member, io.BytesIO(content))


def write_folder(files, folder):
    """Write files to a new folder, where building does not spoil a clone."""
    for name, (able, content) in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o755 if able else 0o644)
