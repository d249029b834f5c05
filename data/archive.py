"""Zip archives from elsewhere, unpacked with care."""

import pathlib
import re
import shutil
import stat
import zipfile
import zlib

MOST_ENTRIES = 200_000
MOST_BYTES = 2 << 30
"""Of all entries together; OpenTTGames' archives hold a few MB."""
MOST_RATIO = 200
"""Of unpacked to packed bytes of an entry above 1 MB: JSON packs 10 to 1."""
_FREE = 1 << 20
_DRIVE = re.compile(r"^[A-Za-z]:")


class ArchiveError(ValueError):
    """An archive is damaged, or would write what or where it should not."""


def unpack(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Unpacks an archive into `folder`, which appears when it is complete.

    Raises:
        ArchiveError: no zip file, an entry that leaves the folder, is a link, comes
            twice, is damaged, or is far larger than anything that belongs there.
    """
    partial = folder.with_name(folder.name + ".part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check(path, entries)
            left = MOST_BYTES
            for entry in entries:
                left -= _write(path, archive, entry, partial, left)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ArchiveError(
            f"{path} is a zip archive that can be read, it is not: {error}."
        ) from error
    except ArchiveError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    partial.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return folder


def _check(path: pathlib.Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise ArchiveError(
            f"{path} has {len(entries)} entries, more than {MOST_ENTRIES}."
        )
    seen: set[str] = set()
    for entry in entries:
        parts = pathlib.PurePosixPath(entry.filename).parts
        if (
            not parts
            or entry.filename.startswith("/")
            or ".." in parts
            or "\\" in entry.filename
            or _DRIVE.match(entry.filename)
        ):
            raise ArchiveError(
                f"{path}: entries stay in their folder, {entry.filename!r} leaves it."
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ArchiveError(f"{path}: entry {entry.filename!r} is a link.")
        name = "/".join(parts)
        if name in seen:
            raise ArchiveError(f"{path}: entry {entry.filename!r} comes twice.")
        seen.add(name)
        _check_size(path, entry, entry.file_size)


def _check_size(path: pathlib.Path, entry: zipfile.ZipInfo, size: int) -> None:
    if size > max(_FREE, MOST_RATIO * entry.compress_size):
        raise ArchiveError(
            f"{path}: entry {entry.filename!r} unpacks {entry.compress_size} bytes to "
            f"{size} or more: this is no annotation."
        )


def _write(
    path: pathlib.Path,
    archive: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    folder: pathlib.Path,
    left: int,
) -> int:
    """Writes one entry, counting what comes: what it says of its size may lie."""
    target, size = folder / entry.filename, 0
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as source, target.open("wb") as out:
        while block := source.read(1 << 16):
            size += len(block)
            if size > left:
                raise ArchiveError(f"{path} unpacks to more than {MOST_BYTES} bytes.")
            _check_size(path, entry, size)
            out.write(block)
    return size
