"""Fetches OpenTTGames from its site: twelve videos, twelve archives of labels."""

import pathlib

from ttjax.datasets import archive, downloads  # pyright: ignore[reportMissingImports]
from ttjax.formats import openttgames

SITE = "https://lab.osai.ai/datasets/openttgames/data"
CLIPS = (
    *(f"game_{number}" for number in range(1, 6)),
    *(f"test_{number}" for number in range(1, 8)),
)
RECORDED_FILE = "checksums.tsv"


def fetch(
    folder: pathlib.Path,
    pins: pathlib.Path,
    *,
    site: str = SITE,
    clips: tuple[str, ...] = CLIPS,
    wait_s: float = 1.0,
) -> pathlib.Path:
    """The folder `openttgames` in `folder`, with all clips; resumes.

    Checksums that `pins` lacks are recorded at the first fetch, in `checksums.tsv`
    beside the videos, and a later mismatch is refused.

    Raises:
        DownloadError: a file cannot be fetched, or has another checksum.
        ArchiveError: an archive is damaged or hostile.
    """
    root = folder / "openttgames"
    root.mkdir(parents=True, exist_ok=True)
    recorded = root / RECORDED_FILE
    known = downloads.read_pins(recorded) | downloads.read_pins(pins)
    for name in clips:
        for kind in ("zip", "mp4"):
            url, path = f"{site}/{name}.{kind}", root / f"{name}.{kind}"
            print(f"{url} -> {path}")
            found = downloads.fetch(url, path, known.get(url), wait_s=wait_s)
            if url not in known:
                known[url] = found
                downloads.write_pins(recorded, known)
        labels = root / name
        if not (labels / openttgames.BALL_FILE).is_file():
            archive.unpack(root / f"{name}.zip", labels)
    return root
