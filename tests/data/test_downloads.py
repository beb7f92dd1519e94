"""Downloads from a server on this machine that misbehaves as real ones do."""

import hashlib
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from selfsparse.data import downloads, idx
from selfsparse.data.downloads import fetch, fetch_dataset, finish, provenance, unfinished
from selfsparse.data.listing import fingerprint
from selfsparse.errors import DataError

CONTENT = bytes(range(256)) * 5000  # 1.28 MB
MD5, SHA256 = hashlib.md5(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; notes requests; cuts off after `server.cut` bytes where that is set."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, body: bytes, status: int = 200, headers: dict | None = None) -> None:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": len(body), **(headers or {})}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.server.cut is not None and len(body) > self.server.cut:
            self.wfile.write(body[: self.server.cut])
            self.wfile.flush()
            if self.server.silent:
                self.server.silent.wait(10)
            self.close_connection = True
            return
        self.wfile.write(body)

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        if self.path not in self.server.files:
            return self.answer(b"<html>not here</html>", 404, {"Content-Type": "text/html"})
        body, headers = self.server.files[self.path]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted or not self.server.ranges:
            return self.answer(body, headers=headers)
        begin = int(wanted[1])
        if begin >= len(body):
            return self.answer(b"", 416, {"Content-Range": f"bytes */{len(body)}"})
        last = min(int(wanted[2] or len(body) - 1), len(body) - 1)
        return self.answer(
            body[begin : last + 1], 206, {**headers, "Content-Range": f"bytes {begin}-{last}/{len(body)}"}
        )

    do_HEAD = do_GET


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *arguments: None  # clients that went away
    server.files, server.requests, server.cut, server.ranges = {"/set.bin": (CONTENT, {})}, [], None, True
    server.silent = None
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(server, path, name="/set.bin", **checks):
    fetch([server.url + name], path, **({"size": len(CONTENT), "md5": MD5, "sha256": SHA256} | checks))


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_success(server, tmp_path):
    path = tmp_path / "raw/set/set.bin"
    get(server, path)
    assert path.read_bytes() == CONTENT and names(path.parent) == ["set.bin"]
    get(server, path)
    assert server.requests == [("/set.bin", None)]  # what is there is not fetched again


def test_of_a_checksum_the_first_digits_are_known(server, tmp_path):
    path = tmp_path / "set.bin"
    with pytest.raises(DataError, match=rf"its sha256 is {SHA256}, expected 00000000;.*\n.*\(sha256 00000000\)"):
        fetch([server.url + "/set.bin"], path, sha256="00000000")
    assert names(tmp_path) == []
    fetch([server.url + "/set.bin"], path, sha256=SHA256[:8])
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("checks", [{"md5": "0" * 32}, {"sha256": "0" * 64}, {"size": len(CONTENT) - 1}])
def test_the_wrong_content_is_deleted(server, tmp_path, checks):
    path = tmp_path / "set.bin"
    with pytest.raises(DataError) as caught:
        get(server, path, **checks)
    message, expected = str(caught.value), f"expected {next(iter(checks.values())):{',' * ('size' in checks)}}"
    assert all(part in message for part in ("set.bin", server.url, str(tmp_path), expected))
    assert names(tmp_path) == [] and len(message.splitlines()) <= 10
    get(server, path)  # the next try starts anew
    assert server.requests[-1] == ("/set.bin", None) and path.read_bytes() == CONTENT


@pytest.mark.parametrize("size", [len(CONTENT), None], ids=["size known", "size unknown"])
def test_cut_off_and_gone_on_with(server, tmp_path, size):
    path, server.cut = tmp_path / "set.bin", 500_000
    with pytest.raises(DataError, match=r"cut off(.|\n)*500,000 bytes are kept; run the same command to go on"):
        get(server, path, size=size)
    assert names(tmp_path) == ["set.bin.partial"]
    with pytest.raises(DataError, match="1,000,000 bytes are kept"):
        get(server, path, size=size)
    server.cut = None
    get(server, path, size=size)
    assert path.read_bytes() == CONTENT and names(tmp_path) == ["set.bin"]
    assert [asked for _, asked in server.requests] == [None, "bytes=500000-", "bytes=1000000-"]


def test_a_server_that_cannot_go_on_starts_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "set.bin.partial").write_bytes(CONTENT[:1000])
    get(server, tmp_path / "set.bin")
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


def test_interrupted_after_the_last_byte(server, tmp_path):
    (tmp_path / "set.bin.partial").write_bytes(CONTENT)
    get(server, tmp_path / "set.bin")
    assert (tmp_path / "set.bin").read_bytes() == CONTENT and server.requests == [("/set.bin", "bytes=1280000-")]


def test_a_web_page_instead_of_the_file(server, tmp_path):
    server.files["/set.bin"] = (
        b"\n<!DOCTYPE html><title>Sign in</title>",
        {"Content-Type": "text/html; charset=utf-8"},
    )
    with pytest.raises(DataError, match="a web page came instead of the file"):
        get(server, tmp_path / "set.bin")
    assert names(tmp_path) == []


def test_not_found(server, tmp_path):
    with pytest.raises(DataError) as caught:
        get(server, tmp_path / "set.bin", "/gone.bin")
    parts = ("set.bin could not be downloaded", f"{server.url}/gone.bin: HTTP 404", str(tmp_path), MD5)
    assert all(part in str(caught.value) for part in parts) and names(tmp_path) == []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_no_connection(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    begun = time.monotonic()
    with pytest.raises(DataError, match=r"no connection \(.*refused"):
        fetch([f"http://127.0.0.1:{free_port()}/set.bin"], tmp_path / "set.bin", md5=MD5)
    assert time.monotonic() - begun < 10


def test_a_server_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    addresses = max(len(known.facts["mirrors"]) for known in idx.SETS.values())  # all others have one
    assert addresses * (downloads.CONNECT_SECONDS + downloads.READ_SECONDS) <= 30
    monkeypatch.setattr(downloads, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        urls = [f"http://127.0.0.1:{silent.getsockname()[1]}/{name}/set.bin" for name in ("first", "second")]
        with pytest.raises(DataError) as caught:
            fetch(urls, tmp_path / "set.bin", md5=MD5)
    message, parts = str(caught.value), ("set.bin could not be downloaded", *urls, f"put it into {tmp_path}")
    assert message.count("timed out") == 2 and all(part in message for part in parts)


def test_a_server_that_falls_silent(server, tmp_path, monkeypatch):
    """In the middle of the file, with the connection open; the next try goes on from there."""
    monkeypatch.setattr(downloads, "READ_SECONDS", 0.2)
    server.cut, server.silent = 500_000, threading.Event()
    begun = time.monotonic()
    with pytest.raises(DataError, match=r"cut off \(.*timed out(.|\n)* bytes are kept"):
        get(server, tmp_path / "set.bin")
    kept = (tmp_path / "set.bin.partial").stat().st_size
    assert 500_000 - downloads.BLOCK <= kept <= 500_000
    assert time.monotonic() - begun < 10
    server.silent.set()
    server.cut = None
    get(server, tmp_path / "set.bin")
    assert (tmp_path / "set.bin").read_bytes() == CONTENT and server.requests[-1][1] == f"bytes={kept}-"


def test_no_network(tmp_path, monkeypatch):
    def getaddrinfo(*arguments, **keywords):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("NO_PROXY", "*")
    begun = time.monotonic()
    with pytest.raises(DataError) as caught:
        fetch(["https://data.example/set.bin"], tmp_path / "set/set.bin", md5=MD5)
    assert time.monotonic() - begun < 10
    message, said = str(caught.value), "https://data.example/set.bin: no connection"
    assert all(part in message for part in ("set.bin could", said, "name resolution", MD5, str(tmp_path / "set")))
    assert len(message.splitlines()) <= 6


def test_the_second_address(server, tmp_path):
    fetch([server.url + "/gone/set.bin", server.url + "/set.bin"], tmp_path / "set.bin", md5=MD5)
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "raw").write_text("a file, not a folder")
    with pytest.raises(DataError, match=r"could not be downloaded(.|\n)*raw"):
        get(server, tmp_path / "raw/set.bin")


SHA = "a" * 40
REPOSITORY = "owner/set"
FILES = {"data/train-0.parquet": CONTENT, "data/train-1.parquet": CONTENT[::-1], "data/test-0.parquet": b"other"}


@pytest.fixture
def hub(server, monkeypatch):
    """A Hugging Face hub with one dataset, as far as its client asks."""
    etag = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}

    def publish(sha):
        siblings, listed = [], []
        for name, data in FILES.items():
            lfs = {"size": len(data), "pointerSize": 130}
            siblings.append({"rfilename": name, "size": len(data), "lfs": lfs | {"sha256": etag[name]}})
            entry = {"type": "file", "path": name, "size": len(data), "oid": "1"}
            listed.append(entry | {"lfs": lfs | {"oid": etag[name]}})
        info, tree = {"id": REPOSITORY, "sha": sha, "siblings": siblings}, f"/tree/{sha}?recursive=true&expand=false"
        for path, found in {"": info, f"/revision/{sha}": info, tree: listed}.items():
            for blobs in ("", "?blobs=true"):
                answer = json.dumps(found).encode(), {"Content-Type": "application/json"}
                server.files[f"/api/datasets/{REPOSITORY}{path}{blobs}"] = answer
        for name, data in FILES.items():
            headers = {"ETag": f'"{etag[name]}"', "X-Repo-Commit": sha, "Accept-Ranges": "bytes"}
            server.files[f"/datasets/{REPOSITORY}/resolve/{sha}/{name}"] = (data, headers)

    monkeypatch.setenv("HF_ENDPOINT", server.url)
    publish(SHA)
    server.publish = publish
    return server


def snapshot(folder, revision=None):
    fetch_dataset(REPOSITORY, folder, patterns=["data/train-*.parquet"], revision=revision, by_hand="Or by hand: ...")


TRAIN = [f"download/data/train-{i}.parquet" for i in (1, 0)]


@pytest.mark.parametrize("revision", [SHA, None], ids=["pinned", "newest"])
def test_a_dataset_of_the_hub(hub, tmp_path, revision):
    before = fingerprint(tmp_path)
    snapshot(tmp_path, revision)
    assert (tmp_path / TRAIN[1]).read_bytes() == CONTENT and (tmp_path / TRAIN[0]).read_bytes() == CONTENT[::-1]
    assert names(tmp_path / "download/data") == ["train-0.parquet", "train-1.parquet"]
    assert not (tmp_path / ".download").exists()
    found = provenance(tmp_path, TRAIN, "of the user")
    assert found["source"] == f"https://huggingface.co/datasets/{REPOSITORY}"
    assert found["revision"] == SHA + ("" if revision else " (unverified)")
    assert fingerprint(tmp_path) == before
    own = {"source": "of the user", "revision": "the user's own files, unverified"}
    (tmp_path / "own.parquet").touch()
    assert provenance(tmp_path, [*TRAIN, "own.parquet"], "of the user") == own
    (tmp_path / "own.parquet").unlink()
    (tmp_path / TRAIN[1]).write_bytes(b"changed by the user")
    assert fingerprint(tmp_path) != before
    assert provenance(tmp_path, TRAIN, "of the user") == own and provenance(tmp_path, TRAIN[:1], "of the user") == found


def test_an_unfinished_one_goes_on(hub, tmp_path):
    before = fingerprint(tmp_path)
    gone = hub.files.pop(f"/datasets/{REPOSITORY}/resolve/{SHA}/data/train-1.parquet")
    with pytest.raises(DataError, match=r"owner/set could not be downloaded(.|\n)*go on\.\nOr by hand"):
        snapshot(tmp_path)
    assert not (tmp_path / "download").exists() and fingerprint(tmp_path) == before
    hub.files[f"/datasets/{REPOSITORY}/resolve/{SHA}/data/train-1.parquet"] = gone
    hub.requests.clear()
    snapshot(tmp_path)
    assert provenance(tmp_path, TRAIN, "")["revision"] == f"{SHA} (unverified)"
    assert not [path for path, _ in hub.requests if "train-0" in path]


def test_a_file_that_does_not_match_its_checksum(hub, tmp_path):
    place = f"/datasets/{REPOSITORY}/resolve/{SHA}/data/train-1.parquet"
    right = hub.files[place]
    hub.files[place] = (b"x" * len(CONTENT), right[1])
    with pytest.raises(DataError, match=r"train-1\.parquet does not match its checksum and was deleted"):
        snapshot(tmp_path)
    assert not (tmp_path / "download").exists()
    hub.files[place] = right
    snapshot(tmp_path)
    assert (tmp_path / TRAIN[0]).read_bytes() == CONTENT[::-1]


def test_a_hub_behind_a_login_page(hub, tmp_path):
    page = (b"<!DOCTYPE html><title>Sign in</title>", {"Content-Type": "text/html"})
    hub.files = dict.fromkeys(hub.files, page)
    begun = time.monotonic()
    with pytest.raises(DataError, match=r"owner/set could not be downloaded(.|\n)*Or by hand"):
        snapshot(tmp_path)
    assert time.monotonic() - begun < 30 and not list(tmp_path.rglob("*.parquet"))


def test_no_hub(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    begun = time.monotonic()
    with pytest.raises(DataError, match=r"owner/set could not be downloaded .*refused(.|\n)*Or by hand"):
        snapshot(tmp_path)
    assert time.monotonic() - begun < 30


def test_what_appears_at_once_and_only_once(tmp_path):
    own = {"source": "MNIST", "revision": "the user's own files, unverified"}
    (tmp_path / "a").touch()
    assert provenance(tmp_path, ["a"], "MNIST") == own
    (tmp_path / ".download").mkdir()
    (tmp_path / ".download/a").touch()
    assert unfinished(tmp_path) == tmp_path / ".download"
    finish(tmp_path, ["a"], "somewhere", "1")
    assert provenance(tmp_path, ["download/a"], "MNIST") == {"source": "somewhere", "revision": "1"}
    assert provenance(tmp_path, ["a", "download/a"], "MNIST") == own
    with pytest.raises(DataError, match="download is there, but not all of it; move it away"):
        unfinished(tmp_path)


def test_a_folder_of_the_hub_that_cannot_be_written(hub, tmp_path):
    (tmp_path / "set").write_text("a file, not a folder")
    with pytest.raises(DataError, match=r"owner/set could not be downloaded .*NotADirectory"):
        snapshot(tmp_path / "set")
