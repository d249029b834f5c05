import numpy as np
import pytest

from ttjax.deepsportlab import config as configs

torch = pytest.importorskip("torch")
layers = pytest.importorskip("bench.baselines.layers")
deepsportlab_torch = pytest.importorskip("bench.baselines.deepsportlab_torch")


def answer(case):
    network = deepsportlab_torch.Network(case.config).eval()
    layers.load(network, case.variables)
    given = (torch.from_numpy(np.array(case.example.image)),)
    given += (torch.from_numpy(np.array(case.example.valid_hw)),)
    with torch.inference_mode():
        return {name: value.numpy() for name, value in network(*given).items()}


def test_all_outputs_are_ours(deepsportlab_case, same):
    same(answer(deepsportlab_case), deepsportlab_case.ours, 5e-5)


def test_a_dilated_trunk_and_a_heat_map_are_ours(panoptic_case, same):
    same(answer(panoptic_case), panoptic_case.ours, 5e-5)


@pytest.fixture(scope="module")
def whole():
    with torch.device("meta"):
        return deepsportlab_torch.Network(configs.deepsportlab())


def test_the_papers_network_has_the_papers_size(whole):
    count = sum(parameter.numel() for parameter in whole.parameters())
    assert count == pytest.approx(32.3e6, rel=0.01)
    pif = deepsportlab_torch.FieldHead
    assert all(isinstance(getattr(whole, n), pif) for n in ("parts", "centre", "ball"))
    assert isinstance(whole.backbone, deepsportlab_torch.Trunk)
    assert isinstance(whole.aspp, deepsportlab_torch.Pyramid)
    assert isinstance(whole.upsampling, deepsportlab_torch.Upsampling)
    assert isinstance(whole.semantic, deepsportlab_torch.MapHead)
    assert isinstance(whole.semantic.fuse, deepsportlab_torch.Separable)
    assert isinstance(whole.backbone.stage1_block1, deepsportlab_torch.Block)


def test_maps_of_the_papers_size_have_its_strides(whole):
    image = torch.zeros(1, 641, 641, 3, dtype=torch.uint8, device="meta")
    valid_hw = torch.tensor([[641, 641]], dtype=torch.int32, device="meta")
    shapes = {name: tuple(of.shape) for name, of in whole(image, valid_hw).items()}
    assert shapes["semantic"] == (1, 321, 321, 3)
    assert shapes["offset"] == (1, 321, 321, 2)
    assert shapes["parts.vector"] == (1, 81, 81, 17, 2)
    assert shapes["ball.confidence"] == (1, 81, 81, 1)


def test_heads_that_are_off_are_not_computed():
    config = configs.deepsportlab(heads=("ball",), image_hw=(65, 65))
    network = deepsportlab_torch.Network(config)
    assert network.fields == ["ball"]
    assert not hasattr(network, "aspp")


def test_convolutions_are_padded_by_half_their_reach():
    layer = deepsportlab_torch.conv(2, 3, 3, 2, 4)
    assert layer(torch.zeros(1, 2, 9, 9)).shape == (1, 3, 5, 5)
    assert layer.bias is None
    assert deepsportlab_torch.norm(3).eps == pytest.approx(1e-4)


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="ResNet"):
        deepsportlab_torch.check(configs.nano())
    with pytest.raises(ValueError, match="softplus"):
        deepsportlab_torch.check(configs.deepsportlab(scale_activation="softplus"))
