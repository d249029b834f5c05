import typing

import jax
import numpy as np
import pytest

from tests.export import nets
from ttjax.export import files, runner
from ttjax.export.runner import Backend, HostRing, OnnxRuntime, OpenVino, Stream


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    out = tmp_path_factory.mktemp("export")
    predictor = nets.trained(
        nets.ttnet_task_of(heads=("ball_global", "ball_local", "masks"))
    )
    program = files.Program(predictor.network, nets.SIZE, from_views=True)
    (out / files.MODEL).write_bytes(files.onnx_model(program).SerializeToString())
    said = files.config({"views": program}, {})
    said["files"][files.MODEL] = {"batch": 1, **files.described(program)}
    (out / files.CONFIG).write_text(files.json.dumps(said))
    return predictor, out


@pytest.fixture(scope="module")
def video():
    return np.random.default_rng(0).integers(0, 256, (6, *nets.SIZE, 3), np.uint8)


def openvino():
    pytest.importorskip("openvino")
    return OpenVino("f32", threads=1)


@pytest.mark.parametrize("make", [lambda: OnnxRuntime(1), openvino])
@pytest.mark.parametrize("pad_first", [False, True])
def test_a_stream_answers_as_the_predictors(exported, video, make, pad_first):
    predictor, out = exported
    ours = Stream(out, make(), pad_first=pad_first)
    other = predictor.stream(nets.SIZE, pad_first=pad_first, masks_every=1)
    for frame in video:
        found, want = ours.push(frame), other.push(frame)
        assert (found is None) == (want is None)
        if found is not None:
            jax.tree.map(
                lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), found, want
            )
    assert ours.pushed == len(video)


def test_both_are_backends():
    for backend in (OnnxRuntime(), OpenVino()):
        assert isinstance(backend, Backend)
    assert typing.get_args(runner.Run)[-1] == dict[str, np.ndarray]


def test_a_ring_gives_its_window_without_a_copy():
    ring = HostRing(5, (2,))
    for number in range(8):
        ring.push(np.full(2, number, np.uint8))
    np.testing.assert_array_equal(ring.window(1)[0, :, 0], [3, 4, 5, 6, 7])
    np.testing.assert_array_equal(ring.window(2)[0, :, 0], [3, 5, 7])
    assert np.shares_memory(ring.window(1), ring.window(1))


def test_frames_of_another_size_and_folders_without_a_model_are_refused(
    exported, tmp_path
):
    _, out = exported
    stream = Stream(out, OnnxRuntime(1))
    with pytest.raises(ValueError, match="--size 40x40"):
        stream.push(np.zeros((40, 40, 3), np.uint8))
    said = files.json.loads((out / files.CONFIG).read_text())
    said["files"][files.MODEL]["batch"] = 4
    (tmp_path / files.CONFIG).write_text(files.json.dumps(said))
    with pytest.raises(ValueError, match="--batch 1"):
        Stream(tmp_path, OnnxRuntime())
    said["files"] = {}
    (tmp_path / files.CONFIG).write_text(files.json.dumps(said))
    with pytest.raises(FileNotFoundError, match="--onnx"):
        Stream(tmp_path, OnnxRuntime())


@pytest.mark.parametrize(("flags", "has"), [("avx2 amx_bf16", True), ("avx2", False)])
def test_a_cpu_says_whether_it_multiplies_bfloat16(flags, has, tmp_path):
    (tmp_path / "cpuinfo").write_text(f"flags : {flags}\n")
    assert runner.multiplies_bfloat16(tmp_path / "cpuinfo") is has
    assert not runner.multiplies_bfloat16(tmp_path / "nothing")
