"""Download published files: several addresses, resumable, checked.

Their sizes are known. So no server can send more than the published file, and what it
says of lengths is not needed. A file being downloaded is called ``NAME.part`` and stays
when the download is interrupted; the next attempt, from whichever address, asks for the
rest only.
"""

import gzip
import hashlib
import io
import os
import signal
import stat
import sys
import tarfile
from contextlib import contextmanager
from pathlib import Path

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ProtocolError

from common.errors import RunError, because
from common.files import replacing, sha256_of
from common.trust import regular
from datasets.hdf5 import ADVICE

# What a cut-off connection can lose, and what it must bring to be taken up again.
CHUNK = 1 << 14
# A server has as long for its answer, and for each chunk of the file.
CONNECT_SECONDS, READ_SECONDS = 10, 60
FRUITLESS_ATTEMPTS = 2
# The sizes of archives are not published; simple-examples.tgz has 35 MB.
LARGEST_ARCHIVE, LARGEST_UNPACKED = 10**8, 5 * 10**8


class Failure(Exception):
    """Why one source did not give the file."""


class _CutOff(Failure):
    """Why one connection did not; another may."""


def file_digest(path):
    with open(path, "rb") as file:
        return sha256_of(file)


def download(name, published, addresses, directory, advice=""):
    """Get one published file from the first address that gives it.

    Proxies are taken from the environment, as `requests` does.

    Parameters
    ----------
    name : str
        Name of the file.
    published : (str, int)
        The file's SHA-256, and its size in bytes.
    addresses : sequence of str
        Tried in order; ``{}`` stands for `name`. An address that ends in
        ``.tgz`` is an archive with the file somewhere inside.
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
        if path.is_file() and file_digest(path) == published[0]:
            return path
        for address in addresses:
            address = address.replace("{}", name)
            try:
                if address.endswith(".tgz"):
                    _fetch_from_archive(address, path, published)
                else:
                    _fetch(address, path, published)
                return path
            except Failure as failure:
                failures.append(f"{address}: {failure}")
    except OSError as error:
        raise RunError(
            f"{path} cannot be written {because(error)}; {ADVICE}"
        ) from error
    raise RunError(f"{name} could not be downloaded ({'; '.join(failures)}){advice}")


def _fetch(address, path, published=None):
    """Download one file; if it is a published one, make sure that it is."""
    part = path.with_name(path.name + ".part")
    sha256, size = published or (None, None)
    resumed = have = _left(part, size)
    fruitless = 0
    while have != size:
        try:
            _append(address, part, have, size)
            break
        except _CutOff as cut:
            before, have = have, _left(part, size)
            fruitless = 0 if have >= before + CHUNK else fruitless + 1
            if fruitless == FRUITLESS_ATTEMPTS:
                raise Failure(cut) from None
    if published and file_digest(part) != sha256:
        part.unlink()
        if not resumed:
            raise Failure("not the published file, its SHA-256 differs")
        # What was there before may have been something else: once more, whole.
        _fetch(address, path, published)
        return
    part.replace(path)


def _left(part, size):
    """Bytes of a file that an earlier attempt left; anything else there is removed."""
    try:
        status = part.lstat()
    except FileNotFoundError:
        return 0
    # A link may lead to somebody else's file, and so may a second name.
    ours = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
    if ours and status.st_size <= (size or LARGEST_ARCHIVE):
        return status.st_size
    part.unlink()
    return 0


@contextmanager
def _network():
    """Turn what goes wrong with a server into the reason why it gave nothing.

    Nothing takes longer than `READ_SECONDS`; the time limit of requests is for every
    single byte.
    """

    def late(number, frame):
        raise _CutOff("the server does not answer, or hardly")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(READ_SECONDS)
    try:
        yield
    except requests.exceptions.ProxyError:
        raise _CutOff("the proxy gives no connection") from None
    except requests.exceptions.SSLError as error:
        raise _CutOff(f"no trusted certificate{_trusted()}") from error
    except requests.Timeout:
        raise _CutOff("the server does not answer") from None
    except requests.exceptions.ConnectionError:
        raise _CutOff("no connection") from None
    except ProtocolError:
        raise _CutOff("the connection was cut off") from None
    # Libraries let through what an address or a header of a server makes them raise.
    except (HTTPError, OSError, ValueError, OverflowError) as error:
        known = isinstance(error, requests.RequestException)
        of_files = _trusted() if isinstance(error, OSError) and not known else ""
        raise _CutOff(f"{error}"[:200] + of_files) from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _trusted():
    """Name the user's settings that say which certificates are trusted."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    given = [f"; {name} is {os.environ[name]}" for name in names if name in os.environ]
    return "".join(given)


def _append(address, part, have, size):
    """Ask for what comes after the first `have` bytes of a file, and write it."""
    # A compressed answer could not be resumed: ranges count compressed bytes.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    limits = (CONNECT_SECONDS, READ_SECONDS)
    most = size or LARGEST_ARCHIVE
    with _network():
        response = requests.get(address, headers=headers, stream=True, timeout=limits)
    with response:
        if response.status_code == 416 and have:
            # Nothing comes after what is there: the checksum will tell.
            return
        if response.status_code not in (200, 206):
            raise Failure(f"HTTP {response.status_code} {response.reason}"[:100])
        start = response.headers.get("Content-Range", "")
        if response.status_code == 200:
            have = 0
        elif not start.startswith(f"bytes {have}-"):
            raise Failure(f"asked for bytes from {have} on, got {start[:100]!r}")
        with open(part, "ab", opener=regular) as file, tqdm(
            desc=part.stem,
            initial=have,
            total=size,
            unit="B",
            unit_scale=True,
            # In a log file the bar is a line each time.
            mininterval=0.1 if sys.stderr.isatty() else 10,
        ) as bar:
            file.truncate(have)
            while have < most:
                with _network():
                    piece = response.raw.read(CHUNK, decode_content=True)
                if not piece:
                    break
                file.write(piece[: most - have])
                have += len(piece)
                bar.update(len(piece))
    framed = {"content-length", "transfer-encoding"} & set(
        map(str.lower, response.headers)
    )
    if size and have < size and not framed:
        raise _CutOff("the connection was cut off")


def _fetch_from_archive(address, path, published):
    """Download a tar archive, which has no published checksum; take one file out."""
    archive = path.parent / address.rsplit("/", 1)[-1]
    if not archive.is_file():
        _fetch(address, archive)
    try:
        content = unpack(archive, path.name, published)
    except Failure:
        archive.unlink()
        raise
    with replacing(path, ADVICE) as file:
        file.write(content)


def unpack(archive, name, published):
    """Return a published file that is somewhere in a tar archive.

    Parameters
    ----------
    archive : Path
    name : str
    published : (str, int)
        SHA-256 and size.

    Raises
    ------
    Failure
        If it is not in there.
    """
    sha256, size = published
    try:
        with gzip.open(archive) as file:
            unpacked = io.BytesIO(file.read(LARGEST_UNPACKED))
        with tarfile.open(fileobj=unpacked) as tar:
            for member in tar:
                if Path(member.name).name == name and member.size == size:
                    content = tar.extractfile(member).read() if member.isfile() else b""
                    if hashlib.sha256(content).hexdigest() == sha256:
                        return content
    except Exception as error:  # what a stranger's archive may provoke is not known
        raise Failure(f"not a tar archive ({error})") from None
    raise Failure(f"the published {name} is not in this archive")
