import json
import subprocess
import sys

import numpy as np
import pytest

from ttjax.pipeline import store


def test_a_temporary_root_goes_with_its_process():
    root = str(store.pathlib.Path(store.__file__).parents[2])
    script = (
        f"import sys; sys.path.insert(0, {root!r})\n"
        "from ttjax.pipeline import store\n"
        "assert store.temporary() == store.temporary()\n"
        "assert store.temporary().is_dir()\n"
        "print(store.temporary())\n"
    )
    command = [sys.executable, "-c", script]
    assert store.temporary().is_dir()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert not store.pathlib.Path(done.stdout.strip()).exists()


def test_keys_tell_contents_apart():
    assert store.key("a", 1) == store.key("a", 1)
    keys = {store.key("a", 1), store.key("a", "1"), store.key("a"), store.key(1, "a")}
    assert len(keys) == 4


def test_a_folder_is_filled_once(tmp_path):
    calls = []

    def write(part):
        calls.append(part)
        assert not (tmp_path / "deep" / "data").exists()
        (part / "x").write_text("content")
        return {"n": len(calls)}

    for _ in range(2):
        assert store.fill(tmp_path / "deep" / "data", write) == {"n": 1}
    assert (tmp_path / "deep" / "data" / "x").read_text() == "content"
    assert store.facts(tmp_path / "deep" / "data") == {"n": 1}
    assert len(calls) == 1


def test_a_broken_fill_leaves_its_work_and_no_folder(tmp_path):
    folder = tmp_path / "data"

    def broken(part):
        (part / "half").write_text("1")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        store.fill(folder, broken)
    assert store.facts(folder) is None
    assert not folder.exists()
    assert (store.unfinished(folder) / "half").exists()
    store.finish(folder, {"n": 2})
    assert store.facts(folder) == {"n": 2}
    assert (folder / "half").exists()


def test_a_second_process_waits_for_the_first(tmp_path):
    script = (
        "import sys, time, pathlib\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from ttjax.pipeline import store\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "def write(part):\n"
        "    time.sleep(0.3)\n"
        "    with open(folder.parent / 'calls', 'a') as f: f.write('x')\n"
        "    return {}\n"
        "store.fill(folder, write)\n"
    )
    root = str(store.pathlib.Path(store.__file__).parents[2])
    command = [sys.executable, "-c", script, str(tmp_path / "data"), root]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [one.wait(30) for one in both] == [0, 0]
    assert (tmp_path / "calls").read_text() == "x"


def test_locks_open_again(tmp_path):
    for _ in range(2):
        with store.locked(tmp_path / "a" / "data"):
            assert (tmp_path / "a" / "data.lock").exists()


def test_json_is_replaced_at_once(tmp_path):
    store.write_json(tmp_path / "a.json", {"n": 1})
    with pytest.raises(TypeError):
        store.write_json(tmp_path / "a.json", {"n": object()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"n": 1}


def test_sizes_leave_out_holes(tmp_path, capsys):
    np.lib.format.open_memmap(
        tmp_path / "hole.npy", mode="w+", dtype=np.uint8, shape=(1 << 26,)
    ).flush()
    (tmp_path / "full").write_bytes(bytes(range(256)) * 4096)
    assert 1 << 20 <= store.size_bytes(tmp_path) < 1 << 22
    store.announce("3 things", tmp_path)
    out = capsys.readouterr().out
    assert out.startswith("3 things: 1 MB in ")
    assert str(tmp_path) in out
    store.announce("3 things", tmp_path)
    assert not capsys.readouterr().out  # validation asks at every epoch
    store.announce("both", tmp_path / "a", tmp_path / "b")
    assert capsys.readouterr().out == f"both: 0 MB in {tmp_path}\n"


def test_room_is_asked_for_before_writing(tmp_path):
    store.need_bytes(tmp_path / "new", 1000)
    with pytest.raises(OSError, match="GB free"):
        store.need_bytes(tmp_path / "new", 1 << 60)


def test_progress_counts(capsys):
    with store.progress("drawing", total=4, done=1) as advance:
        advance(3)
    assert "4/4" in capsys.readouterr().out
