"""Downloads from a local server that misbehaves, and the command."""

import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common import ROOT
from common.errors import RunError
from common.published_files import BINARIZED_MNIST, PTB
from datasets.__main__ import main
from datasets.download import CHUNK, download
from datasets.mnist import FILENAME as MNIST_FILE
from datasets.mnist import open_binarized_mnist
from datasets.ptb import FILENAME as PTB_FILE
from datasets.ptb import open_ptb

CONTENT = bytes(range(256)) * 2000
FILE = hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; the first part of the path says how it misbehaves."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        how, name = self.path[1:].rsplit("/", 1)
        asked = self.headers.get("Range")
        self.server.requests.append((how, asked))
        if how == "error":
            return self.send_error(500)
        if how == "absent" or name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        if how == "wrong":
            content = b"<html>please log in</html>"
        start = 0
        if asked and how != "no-ranges":
            start = int(asked[len("bytes=") : -1])
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206)
            end = len(content) - 1
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
        else:
            self.send_response(200)
        if how == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content))
            return None
        if how == "compressed":
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        content = content[start:]
        if how == "cut":
            content = content[: 12 * CHUNK]
        if how == "always-cut":
            content = content[: 12 * CHUNK if start == 0 else 0]
        if how == "slow":
            for place in range(0, len(content), 20_000):
                self.wfile.write(content[place : place + 20_000])
                time.sleep(0.05)
            return None
        self.wfile.write(content)
        self.close_connection = True
        return None


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files = {"file.txt": CONTENT}
        server.requests = []
        server.at = f"http://127.0.0.1:{server.server_address[1]}"
        # Polling less often would make each test half a second longer.
        run = partial(server.serve_forever, poll_interval=0.01)
        threading.Thread(target=run, daemon=True).start()
        yield server
        server.shutdown()


def get(server, folder, *kinds):
    addresses = [f"{server.at}/{kind}/{{}}" for kind in kinds]
    return download("file.txt", FILE, addresses, folder)


@pytest.mark.parametrize("how", ["good", "chunked", "no-ranges", "cut", "compressed"])
def test_download(server, tmp_path, how):
    path = get(server, tmp_path / "new" / "folder", how)
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_cut_off_connection_is_resumed(server, tmp_path):
    get(server, tmp_path, "cut")
    assert server.requests == [
        ("cut", None),
        ("cut", "bytes=196608-"),
        ("cut", "bytes=393216-"),
    ]


def test_part_of_an_earlier_attempt_is_resumed(server, tmp_path):
    (tmp_path / "file.txt.part").write_bytes(CONTENT[:1234])
    assert get(server, tmp_path, "good").read_bytes() == CONTENT
    assert server.requests == [("good", "bytes=1234-")]


def test_whole_part_is_not_downloaded_again(server, tmp_path):
    (tmp_path / "file.txt.part").write_bytes(CONTENT)
    assert get(server, tmp_path, "good").read_bytes() == CONTENT
    assert server.requests == []


@pytest.mark.parametrize("part", [b"other", CONTENT + b"more"])
def test_part_of_something_else_is_started_anew(server, tmp_path, part):
    (tmp_path / "file.txt.part").write_bytes(part)
    assert get(server, tmp_path, "good").read_bytes() == CONTENT
    assert server.requests[-1] == ("good", None)


def test_server_without_ranges_starts_anew(server, tmp_path):
    (tmp_path / "file.txt.part").write_bytes(CONTENT[:1234])
    assert get(server, tmp_path, "no-ranges").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_addresses_are_tried_in_order(server, tmp_path):
    assert get(server, tmp_path, "error", "absent", "wrong", "good", "slow")
    assert [how for how, _ in server.requests] == ["error", "absent", "wrong", "good"]


def test_rest_comes_from_the_next_address(server, tmp_path):
    assert get(server, tmp_path, "always-cut", "good").read_bytes() == CONTENT
    assert server.requests[-1] == ("good", "bytes=196608-")


def test_every_failure_is_named(server, tmp_path):
    with pytest.raises(RunError) as caught:
        get(server, tmp_path, "error", "absent", "wrong")
    message = str(caught.value)
    assert "file.txt could not be downloaded" in message
    assert "HTTP 500" in message and "HTTP 404" in message
    assert f"{server.at}/wrong/file.txt: not the published file" in message
    assert not list(tmp_path.iterdir())


def test_no_server(server, tmp_path):
    with pytest.raises(RunError, match="http://127.0.0.1:9/file.txt: no connection"):
        download("file.txt", FILE, ["http://127.0.0.1:9/{}"], tmp_path)


def test_proxy_is_honoured(server, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(RunError, match="the proxy gives no connection"):
        get(server, tmp_path, "good")
    assert server.requests == []


def test_file_that_is_there_is_not_asked_for(server, tmp_path):
    (tmp_path / "file.txt").write_bytes(CONTENT)
    get(server, tmp_path, "good")
    assert server.requests == []
    (tmp_path / "file.txt").write_bytes(CONTENT[1:])
    assert get(server, tmp_path, "good").read_bytes() == CONTENT


def test_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written .*--data-dir"):
        get(server, tmp_path / "file", "good")


def archive(content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in (("old/file.txt", b"old"), ("./data/file.txt", content)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_file_from_an_archive(server, tmp_path):
    server.files["all.tgz"] = archive(CONTENT)
    address = f"{server.at}/good/all.tgz"
    path = download("file.txt", FILE, [address], tmp_path)
    assert path.read_bytes() == CONTENT
    # The archive is kept for the other files in it.
    path.unlink()
    download("file.txt", FILE, [address], tmp_path)
    assert len(server.requests) == 1


@pytest.mark.parametrize("content", [archive(b"other"), b"nothing"])
def test_archive_without_the_file(server, tmp_path, content):
    server.files["all.tgz"] = content
    with pytest.raises(RunError, match="archive"):
        download("file.txt", FILE, [f"{server.at}/good/all.tgz"], tmp_path)
    assert not list(tmp_path.iterdir())


def command(*options):
    return subprocess.Popen(
        [sys.executable, "-m", "datasets", *map(str, options)],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        env={**os.environ, "THEANO_FLAGS": ""},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_command_goes_on_where_it_stopped(server, tmp_path, number):
    name = "ptb.train.txt"
    server.files[name] = CONTENT * 10
    process = command("ptb", "--mirror", f"{server.at}/slow", "--data-dir", tmp_path)
    part = tmp_path / ".raw-ptb" / (name + ".part")
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size > 0):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    have = part.stat().st_size
    assert (CONTENT * 10)[:have] == part.read_bytes()
    assert not (tmp_path / PTB_FILE).exists()
    download(
        name,
        (hashlib.sha256(CONTENT * 10).hexdigest(), 10 * len(CONTENT)),
        [f"{server.at}/good/{{}}"],
        tmp_path / ".raw-ptb",
    )
    assert server.requests[-1] == ("good", f"bytes={have}-")


def test_command_downloads_converts_and_cleans_up(
    server, tmp_path, shared_data, capsys
):
    for name in PTB.checksums:
        server.files[name] = (shared_data / name).read_bytes()
    options = ["ptb", "--mirror", f"{server.at}/good/", "--data-dir", str(tmp_path)]
    assert main(options) == 0
    assert [path.name for path in tmp_path.iterdir()] == [PTB_FILE]
    assert len(open_ptb(tmp_path).train) == 5_059_550
    assert "5,059,550 + 396,412 + 446,184 symbols" in capsys.readouterr().out
    assert main(options) == 0
    assert "is there, and whole" in capsys.readouterr().out
    assert len(server.requests) == 3
    # A damaged file is made again; the originals are kept when that is asked for.
    (tmp_path / PTB_FILE).write_bytes(b"")
    assert main([*options, "--keep-raw"]) == 0
    assert "is damaged" in capsys.readouterr().out
    assert len(open_ptb(tmp_path).train) == 5_059_550
    kept = sorted(path.name for path in (tmp_path / "raw").iterdir())
    assert kept == sorted(PTB.checksums)


def test_command_takes_files_that_are_there(shared_data, tmp_path, capsys):
    options = ["--from", str(shared_data), "--data-dir", str(tmp_path)]
    assert main(options) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [MNIST_FILE, PTB_FILE]
    assert len(open_binarized_mnist(tmp_path).test) == 10_000
    assert len(open_ptb(tmp_path).test) == 446_184


def test_command_says_what_is_missing(tmp_path, capsys):
    assert main(["mnist", "--from", str(tmp_path), "--data-dir", str(tmp_path)]) == 1
    assert "binarized_mnist_train.amat.gz is in" in capsys.readouterr().err
    absent = str(tmp_path / "absent")
    assert main(["ptb", "--from", absent, "--data-dir", str(tmp_path)]) == 1
    assert "absent is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["cifar"], "unknown data set 'cifar': choose from ptb, mnist"),
        (["--from", ".", "--mirror", "http://127.0.0.1"], "--from downloads nothing"),
    ],
)
def test_command_refuses(options, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_published_tables():
    for files in (PTB, BINARIZED_MNIST):
        assert len(files.checksums) == 3
        assert all(len(checksum) == 64 for checksum in files.checksums.values())
        assert all("{}" in a or a.endswith(".tgz") for a in files.addresses)
