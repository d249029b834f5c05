import functools
import http.server
import json
import threading
import zipfile

import pytest

from ttjax.datasets import downloads  # pyright: ignore[reportMissingImports]
from ttjax.datasets.openttgames import (  # pyright: ignore[reportMissingImports]
    fetching,
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        return


@pytest.fixture
def site(tmp_path):
    """The site's folder and its address."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "test_2.mp4").write_bytes(b"video" * 99)
    with zipfile.ZipFile(folder / "test_2.zip", "w") as file:
        file.writestr("ball_markup.json", json.dumps({"1": {"x": 1, "y": 2}}))
        file.writestr("segmentation_masks/1.png", b"png")
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_clips_are_fetched_unpacked_and_recorded(site, tmp_path):
    _, address = site
    get = functools.partial(
        fetching.fetch,
        tmp_path / "downloads",
        tmp_path / "no_pins.tsv",
        site=address,
        clips=("test_2",),
        wait_s=0,
    )
    root = get()
    assert (root / "test_2.mp4").read_bytes() == b"video" * 99
    assert (root / "test_2" / "segmentation_masks" / "1.png").read_bytes() == b"png"
    recorded = downloads.read_pins(root / fetching.RECORDED_FILE)
    assert {url.rpartition("/")[2] for url in recorded} == {"test_2.mp4", "test_2.zip"}
    (root / "test_2.mp4").write_bytes(b"other" * 99)
    get()
    assert (root / "test_2.mp4").read_bytes() == b"video" * 99


def test_a_file_that_changes_after_its_first_fetch_is_refused(site, tmp_path):
    folder, address = site
    pins = tmp_path / "no_pins.tsv"
    options = {"site": address, "clips": ("test_2",), "wait_s": 0}
    root = fetching.fetch(tmp_path / "downloads", pins, **options)
    (root / "test_2.mp4").unlink()
    (folder / "test_2.mp4").write_bytes(b"viDeo" * 99)
    with pytest.raises(downloads.DownloadError, match=r"test_2\.mp4 should have"):
        fetching.fetch(tmp_path / "downloads", pins, **options)


def test_all_twelve_clips_are_named():
    assert len(fetching.CLIPS) == 12
    assert fetching.CLIPS[0] == "game_1"
    assert fetching.CLIPS[-1] == "test_7"
