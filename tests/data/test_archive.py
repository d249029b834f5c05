import stat
import zipfile

import pytest

from ttjax.datasets import archive  # pyright: ignore[reportMissingImports]


def packed(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def test_what_is_packed_comes_out(tmp_path):
    entries = [("ball_markup.json", "{}"), ("segmentation_masks/7.png", "ü" * 99)]
    path = packed(tmp_path / "a.zip", entries)
    folder = archive.unpack(path, tmp_path / "größe")
    assert (folder / "ball_markup.json").read_text() == "{}"
    assert (folder / "segmentation_masks" / "7.png").read_text() == "ü" * 99
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    "name",
    ["../out.json", "a/../../out.json", "/tmp/out.json", "C:/out.json", "a\\..\\b"],
)
def test_entries_that_leave_their_folder_are_refused(tmp_path, name):
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    path = packed(tmp_path / "a.zip", [("good.json", "{}"), (entry, "{}")])
    with pytest.raises(archive.ArchiveError, match=r"a\.zip: entries stay"):
        archive.unpack(path, tmp_path / "deep" / "out")
    assert not (tmp_path / "deep").exists()


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = packed(tmp_path / "a.zip", [(link, "/etc/passwd")])
    with pytest.raises(archive.ArchiveError, match="is a link"):
        archive.unpack(path, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_entries_that_come_twice_are_refused(tmp_path):
    path = packed(tmp_path / "a.zip", [("a.json", "1"), ("a.json", "2")])
    with pytest.raises(archive.ArchiveError, match="twice"):
        archive.unpack(path, tmp_path / "out")


def test_a_bomb_is_refused_whatever_it_says_of_its_size(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.zip", [("a.json", b"0" * (8 << 20))])
    with pytest.raises(archive.ArchiveError, match="no annotation"):
        archive.unpack(path, tmp_path / "out")
    many = [(f"{n}.json", bytes(range(256)) * 400) for n in range(10)]
    path = packed(tmp_path / "b.zip", many)
    monkeypatch.setattr(archive, "MOST_BYTES", 500_000)
    with pytest.raises(archive.ArchiveError, match="more than 500000"):
        archive.unpack(path, tmp_path / "out")
    monkeypatch.setattr(archive, "MOST_ENTRIES", 5)
    with pytest.raises(archive.ArchiveError, match="10 entries"):
        archive.unpack(path, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "b.zip"]


@pytest.mark.parametrize("damage", ["cut", "flip", "none"])
def test_damaged_archives_leave_nothing(tmp_path, damage):
    path = packed(tmp_path / "a.zip", [("a.json", bytes(range(256)) * 9)])
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[80] ^= 255
    else:
        data = bytearray(b"<html>not found</html>")
    path.write_bytes(data)
    with pytest.raises(archive.ArchiveError, match=r"a\.zip"):
        archive.unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
