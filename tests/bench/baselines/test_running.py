import dataclasses

import numpy as np
import pytest

from bench import baselines

torch = pytest.importorskip("torch")
running = pytest.importorskip("bench.baselines.running")


def test_frames_that_windows_share_stay_shared(ttnet_case):
    case = ttnet_case
    network, given = running.place_ttnet(
        case.config, case.variables, case.example, compiled=False
    )
    assert network.slices == (running.device() == "cpu")
    frames, pixels, at, _, source_hw = given
    assert pixels.shape[0] == frames.shape[1] + 1
    np.testing.assert_array_equal(at.cpu(), case.example.canvas.at)
    np.testing.assert_array_equal(source_hw.cpu(), case.example.source_hw)
    compiled, _ = running.place_ttnet(
        case.config, case.variables, case.example, compiled=True
    )
    assert not compiled.slices


def test_one_array_of_frames_does_as_well(ttnet_case, same):
    case = ttnet_case
    pool = case.example.canvas
    stacked = dataclasses.replace(case.example, canvas=pool.pixels[pool.at])
    placed = running.place_ttnet(case.config, case.variables, stacked, compiled=False)
    assert placed[1][1].shape[0] == pool.at.size
    _, outputs = running.made(baselines.Variant("float32", ("cpu",)), *placed)
    same(outputs(), case.ours, 1e-4)


def test_no_canvas_is_needed_where_nothing_is_cut(ttnet_case, plain):
    case, example = ttnet_case, ttnet_case.example
    config = dataclasses.replace(case.config, heads=("ball_global",))
    bare = plain(
        frames=example.frames,
        canvas=None,
        canvas_xy=example.canvas_xy,
        source_hw=example.source_hw,
    )
    placed = running.place_ttnet(config, case.variables, bare, compiled=False)
    call, outputs = running.made(baselines.Variant("float32", ("cpu",)), *placed)
    assert call() is None
    assert outputs().keys() == {"ball_global.x", "ball_global.y"}


def test_maps_have_their_channels_last(deepsportlab_case):
    case = deepsportlab_case
    network, given = running.place_deepsportlab(
        case.config, case.variables, case.example
    )
    running.made(baselines.Variant("float32", ("cpu",)), network, given)
    layout = {"memory_format": torch.channels_last}
    assert network.backbone.conv1.weight.is_contiguous(**layout)
    seen = []
    hook = network.backbone.stage1_block1.register_forward_hook(
        lambda module, inputs, output: seen.append(output.is_contiguous(**layout))
    )
    network(*given)
    hook.remove()
    assert seen == [True]
    assert not network.training


def test_versions_are_those_of_pytorch():
    told = running.versions()
    assert told["torch"] == torch.__version__
    assert told["threads"] == torch.get_num_threads()
