"""Downloads that resume, and whose checksums are pinned or recorded."""

import contextlib
import dataclasses
import hashlib
import http.client
import os
import pathlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping

_BLOCK = 1 << 20
ATTEMPTS = 8
"""Tries without a new byte before a download is given up."""


class DownloadError(OSError):
    """A file could not be fetched, or is not what it should be."""


@dataclasses.dataclass(frozen=True)
class Pin:
    """What is known of a file; a size of 0 is not known."""

    size: int
    sha256: str


def read_pins(path: pathlib.Path) -> dict[str, Pin]:
    """URL -> pin, from lines of URL, size, SHA-256, file name, as TFDS keeps them.

    Raises:
        ValueError: a line that is none of these.
    """
    pins: dict[str, Pin] = {}
    if not path.is_file():
        return pins
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t")
        if not line.strip():
            continue
        digits = len(fields) == 4 and fields[1].isdigit() and len(fields[2]) == 64
        if not digits or fields[0] in pins:
            raise ValueError(
                f"{path}: a line is URL, size, SHA-256 and file name, separated by "
                f"tabs, once per URL; line {number} is {line[:80]!r}."
            )
        pins[fields[0]] = Pin(int(fields[1]), fields[2])
    return pins


def write_pins(path: pathlib.Path, pins: Mapping[str, Pin]) -> None:
    """Writes such lines, all or none."""
    lines = [
        f"{url}\t{pin.size}\t{pin.sha256}\t{url.rsplit('/', 1)[-1]}\n"
        for url, pin in sorted(pins.items())
    ]
    partial = path.with_name(path.name + ".part")
    partial.write_text("".join(lines), encoding="utf-8")
    os.replace(partial, path)


def pin_of(path: pathlib.Path) -> Pin:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Pin(path.stat().st_size, digest.hexdigest())


def fetch(
    url: str,
    path: pathlib.Path,
    pin: Pin | None = None,
    *,
    advance: Callable[[int, int | None], None] = lambda have, total: None,
    wait_s: float = 1.0,
) -> Pin:
    """Fetches a file unless it is there; what is half there is gone on with.

    A file that does not have the pinned checksum is fetched a second time from its
    start, for one byte may be wrong; the second time it is refused.

    Raises:
        DownloadError: the server does not give the file, or gives another one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    for _ in range(2):
        if not path.is_file():
            _complete(url, partial, pin, advance, wait_s)
            os.replace(partial, path)
        found = pin_of(path)
        if pin is None or _agree(pin, found):
            return found
        path.unlink()
    raise DownloadError(
        f"{url} should have the SHA-256 {pin.sha256 if pin else ''}, what came has "
        f"{found.sha256} ({found.size} bytes), twice: the file was changed at its "
        "source or on its way."
    )


def _agree(pin: Pin, found: Pin) -> bool:
    return pin.sha256 == found.sha256 and pin.size in (0, found.size)


def _complete(
    url: str,
    partial: pathlib.Path,
    pin: Pin | None,
    advance: Callable[[int, int | None], None],
    wait_s: float,
) -> None:
    """Appends to the partial file until the server has no more."""
    failures = 0
    while True:
        have = partial.stat().st_size if partial.is_file() else 0
        try:
            done = _append(url, partial, have, advance)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429):
                raise DownloadError(
                    f"{url} is not given by its server ({error.code} {error.reason}): "
                    "fetch it by other means and pass `--manual_dir DIR`."
                ) from error
            done, last = False, str(error)
        except (OSError, http.client.HTTPException) as error:
            done, last = False, str(error) or type(error).__name__
        else:
            last = "it ended early"
        now = partial.stat().st_size if partial.is_file() else 0
        if done or (pin is not None and 0 < pin.size == now):
            return
        failures = 0 if now > have else failures + 1
        if failures >= ATTEMPTS:
            raise DownloadError(
                f"{url} stops at {now} bytes after {failures} more tries ({last}): "
                "run the same command again to go on from there."
            )
        time.sleep(wait_s * failures)


def _append(
    url: str,
    partial: pathlib.Path,
    have: int,
    advance: Callable[[int, int | None], None],
) -> bool:
    """One request for what is missing; whether the server says that nothing is."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=60
        )
    except urllib.error.HTTPError as error:
        # Nothing lies beyond what is there: whole, if it is as long as the server says.
        total = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        if error.code != 416 or not have:
            raise
        if total.isdigit() and int(total) != have:
            partial.unlink()
            return False
        return True
    with contextlib.closing(answer):
        length = answer.headers.get("Content-Length")
        whole = answer.status != 206
        if whole and have and length == str(have):
            return True
        # A server that knows no ranges begins anew.
        now = 0 if whole else have
        total = now + int(length) if length else None
        with partial.open("wb" if whole else "ab") as out:
            for block in _blocks(answer):
                out.write(block)
                now += len(block)
                advance(now, total)
        # Lengths lie: a file is whole once its server has nothing after the end. A
        # server that knows no ranges cannot be asked.
        asks = not whole or answer.headers.get("Accept-Ranges", "none") != "none"
    return not asks and total in (None, now)


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := answer.read(_BLOCK):
        yield block
