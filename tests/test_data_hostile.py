"""Servers that lie, archives that explode, and data folders that somebody laid out."""

import fcntl
import gzip
import hashlib
import io
import os
import random
import re
import socketserver
import subprocess
import sys
import tarfile
import threading
import time

import h5py
import pytest

from common import ROOT, published_files
from common.errors import RunError
from common.published_files import PTB
from datasets import download as module
from datasets import locate, ptb
from datasets.__main__ import main
from datasets.convert_ptb import convert_ptb
from datasets.download import download
from datasets.hdf5 import digest

CONTENT = bytes(range(256)) * 400
FILE = hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)
TEXTS = {
    "ptb.train.txt": b" no it was n't N \n but <unk> was \n" * 40,
    "ptb.valid.txt": b" it was \n",
    "ptb.test.txt": b" but no \n",
}


def answer(*lines, body=CONTENT):
    """What a server sends: the lines of the header, and what follows."""
    head = "\r\n".join(("HTTP/1.1 200 OK", *lines, "Connection: close", "", ""))
    return [head.encode("latin-1"), body]


def endless():
    yield answer("Connection: close")[0]
    while True:
        yield bytes(1 << 16)


def drops(*before):
    """One byte, and never many more."""
    yield from before
    while True:
        yield b"z"
        time.sleep(0.2)


def redirected(place):
    return [f"HTTP/1.1 302 Found\r\nLocation: {place}\r\n\r\n".encode()]


# What is sent, and whether the file comes out of it.
ANSWERS = {
    "length of two": (answer("Content-Length: 5, 5"), None),
    "two lengths": (answer("Content-Length: 5", "Content-Length: 6"), None),
    "length that is a word": (answer("Content-Length: abc"), True),
    "length below zero": (answer("Content-Length: -5"), None),
    "length without end": (answer(f"Content-Length: {10**30}"), None),
    "length too small": (answer("Content-Length: 100"), False),
    "no length": (answer(), True),
    "chunks without a number": (answer("Transfer-Encoding: chunked"), False),
    "no gzip": (answer("Content-Encoding: gzip"), False),
    "more than the file": (answer(body=CONTENT + b"more"), True),
    "redirect to no address": (redirected("http://[::1"), False),
    "redirect to no port": (redirected("http://127.0.0.1:99999/"), False),
    "redirect to a file": (redirected("file:///etc/passwd"), False),
    "redirect without end": (redirected("/"), False),
    "another part": (
        [b"HTTP/1.1 206 P\r\nContent-Range: bytes 100-200/300\r\n\r\n", CONTENT],
        False,
    ),
    "no HTTP": ([b"SSH-2.0-OpenSSH\r\n"], False),
    "nothing": ([], False),
    "headers without end": ([b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 300], False),
    "codes for the terminal": ([b"HTTP/1.1 404 \x1b[2J\r\n\r\n"], False),
    "endless": (endless, False),
    "drops": (lambda: drops(*answer(body=b"")), False),
    "drops of a header": (lambda: drops(b"HTTP/1.1 200 OK\r\nX: "), False),
}


@pytest.fixture
def server(monkeypatch):
    """A server that sends `server.sent`, whatever it is asked."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            sent = server.sent
            try:
                self.request.recv(10_000)
                for piece in sent() if callable(sent) else sent:
                    self.request.sendall(piece)
            except OSError:
                pass  # the other side has had enough

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        server.at = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_server_that_lies(server, tmp_path, name, monkeypatch):
    server.sent, expected = ANSWERS[name]
    monkeypatch.setattr(module, "READ_SECONDS", 1)
    began = time.monotonic()
    try:
        path = download("file.txt", FILE, [server.at + "/{}"], tmp_path)
        assert path.read_bytes() == CONTENT
        assert expected is not False
    except RunError as error:
        assert "file.txt could not be downloaded (http://127.0.0.1" in str(error)
        assert expected is not True and len(str(error)) < 400
    # Never more than the file has, and not for ever.
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= len(CONTENT)
    assert time.monotonic() - began < 10


def test_what_a_server_says_is_no_code_for_the_terminal(server, tmp_path, capsys):
    server.sent = ANSWERS["codes for the terminal"][0]
    published = PTB._replace(addresses=())
    options = ["ptb", "--mirror", server.at, "--data-dir", str(tmp_path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published_files, "PTB", published)
        assert main(options) == 1
    said = capsys.readouterr().err
    assert "HTTP 404 \\x1b[2J" in said and "\x1b" not in said


def test_a_wrong_certificate_bundle_is_named(server, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(RunError) as caught:
        download("file.txt", FILE, ["https://127.0.0.1:9/{}"], tmp_path)
    assert "REQUESTS_CA_BUNDLE is /nowhere.pem" in str(caught.value)
    assert "make room" not in str(caught.value)


def archive(*members):
    """A tar archive of (name, size as told, content, other facts)."""
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", 1) as file:
        for name, size, content, facts in members:
            member = tarfile.TarInfo(name)
            member.size = size
            for fact, value in facts.items():
                setattr(member, fact, value)
            file.write(member.tobuf(tarfile.GNU_FORMAT))
            file.write(content + bytes(-len(content) % 512))
        file.write(bytes(1024))
    return buffer.getvalue()


GOOD = archive(("a/file.txt", len(CONTENT), CONTENT, {}))
PASSWD = {"linkname": "/etc/passwd"}
ARCHIVES = {
    "nothing": b"",
    "no gzip": b"x" * 5000,
    "gzip of no tar": gzip.compress(b"x" * 5000),
    "cut off": GOOD[: len(GOOD) // 2],
    "huge member": archive(("file.txt", 6 << 30, CONTENT, {})),
    "huge header": archive(("x", 6 << 30, bytes(1 << 20), {"type": tarfile.XHDTYPE})),
    "link": archive(("file.txt", 0, b"", {"type": tarfile.SYMTYPE, **PASSWD})),
    "hard link": archive(
        ("file.txt", len(CONTENT), b"", {"type": tarfile.LNKTYPE, **PASSWD})
    ),
    "pipe": archive(("file.txt", len(CONTENT), b"", {"type": tarfile.FIFOTYPE})),
    "headers without end": archive(
        *[("x", 12, b"12 path=abcd\n", {"type": tarfile.XHDTYPE})] * 3000
    ),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_is_none(server, tmp_path, name):
    server.sent = answer(body=ARCHIVES[name])
    with pytest.raises(RunError, match="archive"):
        download("file.txt", FILE, [server.at + "/all.tgz"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_explodes(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST_UNPACKED", 10**6)
    server.sent = answer(body=archive(("a", 50 << 20, bytes(50 << 20), {})) + GOOD)
    with pytest.raises(RunError, match="archive"):
        download("file.txt", FILE, [server.at + "/all.tgz"], tmp_path)
    monkeypatch.setattr(module, "LARGEST_ARCHIVE", 10**6)
    server.sent = endless
    with pytest.raises(RunError, match="archive"):
        download("file.txt", FILE, [server.at + "/all.tgz"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_archives(server, tmp_path):
    chance = random.Random(1)
    for _ in range(60):
        damaged = bytearray(gzip.decompress(GOOD))
        for _ in range(chance.choice([1, 5])):
            damaged[chance.randrange(512)] = chance.randrange(256)
        server.sent = answer(body=gzip.compress(bytes(damaged)))
        try:
            path = download("file.txt", FILE, [server.at + "/all.tgz"], tmp_path)
            assert path.read_bytes() == CONTENT
        except RunError:
            pass
        for path in tmp_path.iterdir():
            path.unlink()


# Folders


@pytest.mark.parametrize("lay", ["link", "hard link", "pipe"])
@pytest.mark.parametrize("name", ["file.txt", "file.txt.part", ".file.txt.part"])
def test_nothing_is_written_through_a_link(server, tmp_path, lay, name):
    precious = tmp_path / "precious"
    precious.write_bytes(CONTENT[:50])
    folder = tmp_path / "raw"
    folder.mkdir()
    if lay == "pipe":
        os.mkfifo(str(folder / name))
    else:
        (os.link if lay == "hard link" else os.symlink)(
            str(precious), str(folder / name)
        )
    for address, sent in (("/{}", CONTENT), ("/all.tgz", GOOD)):
        server.sent = answer(body=sent)
        path = download("file.txt", FILE, [server.at + address], folder)
        assert path.read_bytes() == CONTENT and not path.is_symlink()
        assert precious.read_bytes() == CONTENT[:50]
        path.unlink()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small text in place of the published one, and the folder with its files."""
    source = tmp_path / "source"
    source.mkdir()
    for name, text in TEXTS.items():
        (source / name).write_bytes(text)
        monkeypatch.setitem(PTB.checksums, name, hashlib.sha256(text).hexdigest())
        monkeypatch.setitem(PTB.sizes, name, len(text))
    corpus = convert_ptb(source, tmp_path / "x.hdf5")
    monkeypatch.setattr(ptb, "SHA256", ptb.fingerprint(corpus))
    return source


def convert(source, folder):
    return main(["ptb", "--from", str(source), "--data-dir", str(folder)])


@pytest.mark.parametrize("name", [ptb.FILENAME, f".{ptb.FILENAME}.part"])
def test_the_converted_file_takes_the_place_of_a_link(small, tmp_path, name):
    precious, folder = tmp_path / "precious", tmp_path / "data"
    precious.write_text("precious")
    folder.mkdir()
    (folder / name).symlink_to(precious)
    assert convert(small, folder) == 0
    assert [path.name for path in folder.iterdir()] == [ptb.FILENAME]
    assert precious.read_text() == "precious"
    assert not (folder / ptb.FILENAME).is_symlink()


def test_what_a_kill_leaves_is_cleaned(small, tmp_path):
    (tmp_path / f".{ptb.FILENAME}.part").write_bytes(b"half")
    (tmp_path / ".raw-ptb").mkdir()
    (tmp_path / ".raw-ptb" / "ptb.train.txt.part").write_bytes(TEXTS["ptb.train.txt"])
    assert convert(small, tmp_path) == 0
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"source", "x.hdf5", ptb.FILENAME}


def test_originals_that_were_there_stay(small, tmp_path):
    """In the folder where --keep-raw has put them, or the user."""
    small.rename(tmp_path / "raw")
    assert main(["ptb", "--data-dir", str(tmp_path)]) == 0
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == sorted(TEXTS)


def test_two_at_once(small, tmp_path):
    """The second waits, and finds the file there."""
    folder = tmp_path / "data"
    folder.mkdir()
    held = os.open(str(folder), os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    words = [sys.executable, "-m", "datasets", "ptb", "--data-dir", str(folder)]
    words += ["--from", str(small)]
    other = subprocess.Popen(
        words, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert b"waiting for another program" in other.stdout.readline()
    assert list(folder.iterdir()) == []
    os.close(held)
    # These texts are the published ones in this process only.
    assert b"is not the published file" in other.communicate(timeout=60)[1]


def reversed_symbols(file):
    symbols = file["symbols"][()][::-1].copy()
    file["symbols"][...] = symbols
    file.attrs["sha256"] = digest([symbols])


@pytest.mark.parametrize(
    "change",
    [
        reversed_symbols,
        lambda file: file.attrs.create("vocabulary", file.attrs["vocabulary"][::-1]),
        lambda file: file.attrs.create("vocabulary", [1, 2]),
        lambda file: file.attrs.create("checksums", "[" * 5000),
        lambda file: file.attrs.create("checksums", "[]"),
        lambda file: file.attrs.create("split", 3),
        lambda file: file.create_dataset("more", (10**9, 10**6), "f8", chunks=(9, 9)),
        lambda file: file.__setitem__("more", h5py.ExternalLink("/etc/passwd", "/")),
        lambda file: file.__setitem__("more", h5py.SoftLink("/more")),
    ],
)
def test_a_data_file_that_claims_to_be_whole(small, tmp_path, change):
    assert convert(small, tmp_path) == 0
    with h5py.File(str(tmp_path / ptb.FILENAME), "r+") as file:
        change(file)
    with pytest.raises(RunError, match="is damaged|not made from the published"):
        ptb.open_ptb(tmp_path)


# Other names and packings


def test_other_names_and_packings(small, tmp_path):
    made = set()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(str(small), arcname="simple-examples/data")
    for number, give in enumerate(
        (
            lambda name, text: (name + ".gz", gzip.compress(text)),
            lambda name, text: (name[4:], text),
            lambda name, text: (name[4:] + ".gz", gzip.compress(text)),
            lambda name, text: (name, text.replace(b"\n", b"\r\n")),
            lambda name, text: ("simple-examples.tgz", packed.getvalue()),
        )
    ):
        source = tmp_path / str(number)
        source.mkdir()
        for name, text in TEXTS.items():
            other, content = give(name, text)
            (source / other).write_bytes(content)
        assert convert(source, tmp_path / f"made{number}") == 0
        made.add((tmp_path / f"made{number}" / ptb.FILENAME).stat().st_size)
    assert convert(source / other, tmp_path / "from the archive") == 0
    assert len(made) == 1


@pytest.mark.parametrize(
    "name, text, reason",
    [
        ("ptb.train.txt", TEXTS["ptb.train.txt"][:50], "it has 50 bytes of 1,360"),
        ("ptb.train.txt", TEXTS["ptb.train.txt"] * 2, "more than 1,360 bytes"),
        ("ptb.train.txt", TEXTS["ptb.train.txt"][::-1], "its SHA-256 is"),
        ("ptb.train.txt.gz", gzip.compress(bytes(1 << 24)), "more than 1,360 bytes"),
        ("ptb.train.txt.gz", gzip.compress(b"a" * 500)[:-9], "is cut off"),
        ("ptb.train.txt.gz", b"no gzip", "cannot be read"),
        ("ptb.char.train.txt", b"n o _ i t", "none of ptb.train.txt, .* is in"),
        ("simple-examples.tgz", GOOD, "the published ptb.train.txt is not in this"),
    ],
    ids="short long other exploding cut no-gzip characters archive".split(),
)
def test_the_file_that_is_wrong_is_named(small, tmp_path, capsys, name, text, reason):
    (small / "ptb.train.txt").unlink()
    (small / name).write_bytes(text)
    assert convert(small, tmp_path / "data") == 1
    said = capsys.readouterr().err
    path = small if "char" in name else small / name
    assert str(path) in said and re.search(reason, said)


@pytest.mark.parametrize("number", [1, 2])
def test_an_output_may_be_closed(number, tmp_path):
    words = [str(ROOT / "reproduce"), "data", "ptb", "--from", str(tmp_path / "none")]
    done = subprocess.run(
        words, preexec_fn=lambda: os.close(number), stderr=subprocess.PIPE, check=False
    )
    assert done.returncode == 1
    assert number == 2 or b"none is not a folder" in done.stderr


# Fuel's own settings

SETTINGS = """
from common import theano_flags
theano_flags.configure("cpu", "float32")
from datasets import locate
from fuel import config
print(*locate.data_folders(), config.floatX)
"""


@pytest.mark.parametrize(
    "content, folders, warned",
    [
        (b"data_path: /a\nkey_of_another_version: 1", "/a", False),
        (b"data_path: [/a, /b]\nfloatX: float64", "/a /b", False),
        (b"floatX: float64", None, False),
        (b"", None, False),
        (b"- 1", None, True),
        (b"data_path: {", None, True),
        (b"\xff\xfe", None, True),
        (b"[" * 5000, None, True),
    ],
    ids="key list precision empty no-mapping no-yaml no-text deep".split(),
)
def test_of_fuels_settings_the_folders_count(tmp_path, content, folders, warned):
    (tmp_path / ".fuelrc").write_bytes(content)
    variables = {**os.environ, "HOME": str(tmp_path), "FUEL_FLOATX": "float64"}
    for name in ("FUEL_DATA_PATH", "FUEL_CONFIG", "THEANO_FLAGS"):
        variables.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SETTINGS],
        cwd=str(ROOT),
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [*(folders or str(locate.DEFAULT)).split(), "float32"]
    warning = f"warning: {tmp_path / '.fuelrc'} does not count: "
    assert (warning in done.stderr) is warned and "Traceback" not in done.stderr
