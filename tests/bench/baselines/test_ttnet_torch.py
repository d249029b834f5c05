import numpy as np
import pytest

from ttjax.ttnet import config as configs

torch = pytest.importorskip("torch")
layers = pytest.importorskip("bench.baselines.layers")
ttnet_torch = pytest.importorskip("bench.baselines.ttnet_torch")


def arguments(example):
    canvas = example.canvas
    arrays = (
        example.frames,
        canvas.pixels,
        np.asarray(canvas.at, np.int64),
        example.canvas_xy,
        example.source_hw,
    )
    return [torch.from_numpy(np.array(array)) for array in arrays]


def answer(network, case, *given):
    layers.load(network, case.variables, network.map_hw)
    with torch.inference_mode():
        outputs = network.eval()(*given)
    return {name: value.numpy() for name, value in outputs.items()}


@pytest.mark.parametrize("slices", [False, True])
def test_all_outputs_are_ours(ttnet_case, same, slices):
    network = ttnet_torch.Network(ttnet_case.config, slices=slices)
    theirs = answer(network, ttnet_case, *arguments(ttnet_case.example))
    same(theirs, ttnet_case.ours, 2e-5)
    np.testing.assert_array_equal(theirs["crop_xy"], ttnet_case.ours["crop_xy"])


def test_heads_can_be_left_out(ttnet_case, same):
    fields = {"width": 0.1, "frame_hw": (64, 128), "crop_hw": (64, 128)}
    config = configs.ttnet(heads=("ball_global", "masks"), **fields)
    network = ttnet_torch.Network(config, slices=True)
    frames, _, _, canvas_xy, source_hw = arguments(ttnet_case.example)
    theirs = answer(network, ttnet_case, frames, None, None, canvas_xy, source_hw)
    kept = {"ball_global.x", "ball_global.y", "masks"}
    ours = {name: value for name, value in ttnet_case.ours.items() if name in kept}
    same(theirs, ours, 2e-5)


def test_the_papers_layers_have_the_papers_sizes():
    network = ttnet_torch.Network(configs.ttnet(), slices=True)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == pytest.approx(15.8e6, rel=0.01)
    stages = (network.global_encoder, network.local_encoder)
    assert all(isinstance(stage, ttnet_torch.Encoder) for stage in stages)
    with torch.inference_mode():
        maps = network.global_encoder(torch.zeros(1, 27, 128, 320))
        sizes = {stride: tuple(of.shape[1:]) for stride, of in maps.items()}
        masks = network.masks({n: maps[n] for n in (4, 8, 16, 32)})
        x, y = network.global_ball(maps)
        events = network.events([maps[64], maps[64]])
    assert sizes[4] == (64, 32, 80)
    assert sizes[64] == (256, 2, 5)
    assert isinstance(network.global_ball, ttnet_torch.BallHead)
    assert isinstance(network.events, ttnet_torch.EventHead)
    assert isinstance(network.masks, ttnet_torch.MaskHead)
    assert isinstance(network.masks.deconv5, ttnet_torch.DeconvBlock)
    shapes = [tuple(out.shape) for out in (x, y, events, masks)]
    assert shapes == [(1, 320), (1, 128), (1, 2), (1, 3, 128, 320)]


def test_both_ways_to_crop_are_a_loop_over_frames():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 20, 30, 3), np.uint8)
    at = np.array([[3, 0, 1], [2, 2, 0]])
    corner_xy = np.array([[0, 12], [22, 5]], np.int32)
    expected = np.zeros((2, 8, 8, 9), np.uint8)
    for b, (x, y) in enumerate(corner_xy):
        for t, k in enumerate(at[b]):
            seen = pixels[k, y : y + 8, x : x + 8]
            expected[b, :, :, 3 * t : 3 * t + 3] = seen
    given = [torch.from_numpy(array) for array in (pixels, at, corner_xy)]
    for cut in (ttnet_torch.sliced, ttnet_torch.gathered):
        np.testing.assert_array_equal(cut(*given, (8, 8)).numpy(), expected)


@pytest.mark.parametrize(
    ("config", "part"),
    [
        (configs.nano(), "encoder"),
        (configs.resnet18(), "encoder"),
        (configs.ttnet(preprocessing=configs.Whiten()), "preprocessing"),
        (configs.ttnet(event_ball=True), "event_ball"),
    ],
)
def test_other_networks_are_refused(config, part):
    with pytest.raises(ValueError, match=part):
        ttnet_torch.check(config)
