import hashlib
import http.server
import threading

import pytest

from ttjax.datasets import downloads  # pyright: ignore[reportMissingImports]

DATA = bytes(range(256)) * 4096  # 1 MiB


class Server(http.server.ThreadingHTTPServer):
    """Gives `DATA`; `faults` are taken one per request that has a body."""

    def __init__(self, *faults, ranges=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.ranges, self.asked = list(faults), ranges, []
        self.url = f"http://127.0.0.1:{self.server_port}/game_1.mp4"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, *_):
        return

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        begin = int(asked[6:-1]) if asked and self.server.ranges else 0
        if self.path != "/game_1.mp4":
            self.send_error(404)
            return
        if begin >= len(DATA):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(DATA)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        fault = self.server.faults.pop(0) if self.server.faults else None
        body, length = DATA[begin:], len(DATA) - begin
        if fault == "drop":
            body = body[: length // 2]
        elif fault == "short":
            body, length = body[:1000], 1000
        elif fault == "long":
            length += 5000
        elif fault == "flip":
            body = body[:77] + bytes([body[77] ^ 1]) + body[78:]
        self.send_response(206 if begin else 200)
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(DATA) - 1}/*")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def serve():
    running = []

    def start(*faults, **options):
        server = Server(*faults, **options)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def good():
    return downloads.Pin(len(DATA), hashlib.sha256(DATA).hexdigest())


def unsized():
    return downloads.Pin(0, hashlib.sha256(DATA).hexdigest())


@pytest.mark.parametrize("pin", [None, good(), unsized()], ids=str)
@pytest.mark.parametrize(
    "faults", [(), ("drop",), ("long",), ("short",), ("drop", "short", "long")]
)
def test_what_breaks_once_is_gone_on_with(serve, tmp_path, faults, pin):
    server, path = serve(*faults), tmp_path / "vidéo" / "game_1.mp4"
    told = []
    found = downloads.fetch(
        server.url, path, pin, advance=lambda *at: told.append(at), wait_s=0
    )
    assert found == good() == downloads.pin_of(path)
    assert path.read_bytes() == DATA
    assert told[-1][0] == len(DATA)
    if "drop" in faults or "short" in faults:
        assert any(asked not in (None, "bytes=0-") for asked in server.asked)
    assert sum(asked is None for asked in server.asked) == 1
    assert not list(path.parent.glob("*.part"))


def test_a_changed_byte_is_fetched_again_and_refused_the_second_time(serve, tmp_path):
    path = tmp_path / "game_1.mp4"
    assert downloads.fetch(serve("flip").url, path, good(), wait_s=0) == good()
    path.unlink()
    with pytest.raises(downloads.DownloadError, match="twice"):
        downloads.fetch(serve("flip", "flip").url, path, good(), wait_s=0)
    assert not path.exists()


def test_a_file_that_is_there_is_checked_but_not_fetched(serve, tmp_path):
    path, server = tmp_path / "game_1.mp4", serve()
    path.write_bytes(DATA)
    assert downloads.fetch(server.url, path, good()) == good()
    assert server.asked == []


def test_a_server_without_ranges_begins_anew(serve, tmp_path):
    path, server = tmp_path / "game_1.mp4", serve("drop", ranges=False)
    assert downloads.fetch(server.url, path, wait_s=0) == good()
    assert len(server.asked) == 2


def test_an_interrupted_download_goes_on_where_it_stopped(serve, tmp_path):
    path, server = tmp_path / "game_1.mp4", serve()
    path.with_name("game_1.mp4.part").write_bytes(DATA[:1234])
    assert downloads.fetch(server.url, path, good()) == good()
    assert server.asked == ["bytes=1234-"]


def test_what_is_not_there_is_said_at_once(serve, tmp_path):
    url = serve().url.replace("game_1", "game_9")
    with pytest.raises(downloads.DownloadError, match=r"404.*--manual_dir"):
        downloads.fetch(url, tmp_path / "a", wait_s=0)
    nobody = "http://127.0.0.1:9/game_1.mp4"
    with pytest.raises(downloads.DownloadError, match="0 bytes after 8 more tries"):
        downloads.fetch(nobody, tmp_path / "a", wait_s=0)


def test_pins_written_and_read(tmp_path):
    path = tmp_path / "checksums.tsv"
    assert downloads.read_pins(path) == {}
    pins = {"http://a/b.mp4": good(), "http://a/b.zip": unsized()}
    downloads.write_pins(path, pins)
    assert downloads.read_pins(path) == pins
    assert path.read_text().splitlines()[0].split("\t")[3] == "b.mp4"
    path.write_text("http://a/b.mp4\tmany\tabc\tb.mp4\n")
    with pytest.raises(ValueError, match=r"checksums.tsv.*line 1"):
        downloads.read_pins(path)
