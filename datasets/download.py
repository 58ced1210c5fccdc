"""Download published files: several addresses, resumable, checked.

A file being downloaded is called ``NAME.part`` and stays when the download is
interrupted; the next attempt, from whichever address, asks for the rest only.
"""

import hashlib
import sys
import tarfile
from pathlib import Path

import requests
from tqdm import tqdm

from common.errors import RunError

# What a cut-off connection can lose.
CHUNK = 1 << 14
CONNECT_SECONDS, READ_SECONDS = 10, 60
# A connection that is cut off is taken up again as long as it brings something.
FRUITLESS_ATTEMPTS = 2


class _Failure(Exception):
    """Why one address did not give the file."""


def file_digest(path):
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def download(name, addresses, sha256, directory, advice=""):
    """Get one published file from the first address that gives it.

    Proxies are taken from the environment, as `requests` does.

    Parameters
    ----------
    name : str
        Name of the file.
    addresses : sequence of str
        Tried in order; ``{}`` stands for `name`. An address that ends in
        ``.tgz`` is an archive with the file somewhere inside.
    sha256 : str
        What the file's checksum must be.
    directory : str or Path
        Where to put the file. One that is there already, with the right
        checksum, is not downloaded again.
    advice : str, optional
        What the user can do otherwise; ends the error message.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RunError
        If no address gives the file.

    """
    path = Path(directory) / name
    failures = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and file_digest(path) == sha256:
            return path
        for address in addresses:
            address = address.replace("{}", name)
            try:
                if address.endswith(".tgz"):
                    _fetch_from_archive(address, path, sha256)
                else:
                    _fetch(address, path, sha256)
                return path
            except _Failure as failure:
                failures.append(f"{address}: {failure}")
    except OSError as error:
        raise RunError(
            f"{path} cannot be written ({error.strerror or error}): make room or "
            "choose another folder with --data-dir"
        ) from error
    raise RunError(f"{name} could not be downloaded ({'; '.join(failures)}){advice}")


def _fetch(address, path, sha256=None):
    """Download one file; with a checksum, make sure that it is the right one."""
    part = path.with_name(path.name + ".part")
    resumed = part.exists()
    _fetch_part(address, part)
    if sha256 is not None and file_digest(part) != sha256:
        part.unlink()
        if not resumed:
            raise _Failure("not the published file, its SHA-256 differs")
        # What was there before may have been something else: once more, whole.
        _fetch(address, path, sha256)
        return
    part.replace(path)


def _fetch_part(address, part):
    fruitless = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _append(address, part, before):
                return
            reason = "the connection was cut off"
        except requests.Timeout:
            reason = "the server does not answer"
        except requests.exceptions.ChunkedEncodingError:
            reason = "the connection was cut off"
        except requests.exceptions.ProxyError:
            reason = "the proxy gives no connection"
        except requests.exceptions.SSLError:
            reason = "no trusted certificate"
        except requests.ConnectionError:
            reason = "no connection"
        except requests.RequestException as error:
            reason = str(error)
        if part.exists() and part.stat().st_size > before:
            fruitless = 0
        else:
            fruitless += 1
        if fruitless == FRUITLESS_ATTEMPTS:
            raise _Failure(reason)


def _append(address, part, have):
    """Ask for what comes after the first `have` bytes; is the file whole then?"""
    # A compressed answer could not be resumed: ranges count compressed bytes.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(
        address, headers=headers, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)
    ) as response:
        if response.status_code == 416 and have:
            # Nothing comes after what is there: the checksum will tell.
            return True
        if response.status_code not in (200, 206):
            raise _Failure(f"HTTP {response.status_code} {response.reason}")
        start = response.headers.get("Content-Range", "")
        if response.status_code == 200 or not start.startswith(f"bytes {have}-"):
            if response.status_code == 206:
                raise _Failure(f"asked for bytes from {have} on, got '{start}'")
            have = 0
        length = response.headers.get("Content-Length")
        if "Content-Encoding" in response.headers:
            # Compressed all the same: the length says nothing about the file.
            length = None
        total = have + int(length) if length else None
        with open(part, "ab" if have else "wb") as file, tqdm(
            desc=part.stem,
            initial=have,
            total=total,
            unit="B",
            unit_scale=True,
            # In a log file the bar is a line each time.
            mininterval=0.1 if sys.stderr.isatty() else 10,
        ) as bar:
            for piece in response.iter_content(CHUNK):
                file.write(piece)
                bar.update(len(piece))
    return total is None or part.stat().st_size == total


def _fetch_from_archive(address, path, sha256):
    """Download a tar archive, which has no published checksum; take one file out."""
    archive = path.parent / address.rsplit("/", 1)[-1]
    if not archive.exists():
        _fetch(address, archive)
    try:
        with tarfile.open(archive) as tar:
            members = [m for m in tar if m.isfile() and Path(m.name).name == path.name]
            contents = [tar.extractfile(member).read() for member in members]
    except (tarfile.TarError, EOFError, OSError) as error:
        archive.unlink()
        raise _Failure(f"not a tar archive ({error})") from None
    for content in contents:
        if hashlib.sha256(content).hexdigest() == sha256:
            path.write_bytes(content)
            return
    archive.unlink()
    raise _Failure(f"the published {path.name} is not in this archive")
