import dataclasses

import jax
import numpy as np
import pytest

from ttjax.deepsportlab import config as configs
from ttjax.deepsportlab.model import MODULES
from ttjax.nn import cost


def gmac(config, variables):
    inputs = config.abstract_inputs()
    return round(cost.macs(config.model.apply, variables, inputs) / 1e9, 2)


def started(config, batch_size=1):
    """Shapes of outputs and of variables."""
    return jax.eval_shape(
        config.model.init_with_output,
        jax.random.key(0),
        config.abstract_inputs(batch_size),
    )


def test_the_paper_s_network_has_its_size_and_cost():
    config = configs.deepsportlab()
    out, variables = started(config)
    params = variables["params"]
    assert cost.parameters(params) == 32_280_353
    assert {name: cost.parameters(part) for name, part in params.items()} == {
        "backbone": 23_508_032,
        "aspp": 7_685_376,
        "upsampling": 267_488,
        "semantic": 20_483,
        "offset": 20_354,
        "parts": 696_660,
        "centre": 40_980,
        "ball": 40_980,
    }
    assert set(params) == set(MODULES)
    assert gmac(config, variables) == 157.50
    assert out.parts.vector.shape == (1, 81, 81, 17, 2)
    assert out.ball.confidence.shape == (1, 81, 81, 1)
    assert out.semantic.shape == (1, 321, 321, 3)


def test_the_max_pool_takes_three_quarters_of_the_work():
    config = configs.deepsportlab(backbone=configs.ResNet(stem_pool=True))
    variables = config.abstract_variables()
    assert cost.parameters(variables["params"]) == 32_280_353
    assert gmac(config, variables) == 41.05
    assert (config.pif_stride, config.map_stride) == (16, 4)


def test_the_nano_is_small_and_finer_than_its_trunk():
    config = configs.nano()
    variables = config.abstract_variables()
    assert cost.parameters(variables["params"]) == 602_281
    assert gmac(config, variables) == 0.4
    assert (config.pif_stride, config.map_stride) == (8, 4)
    assert (config.pif_hw, config.map_hw) == ((41, 41), (81, 81))


def test_the_kernel_is_that_of_the_map_decoder_and_odd():
    config = configs.nano(kernel=5)
    params = config.abstract_variables()["params"]
    for fused in (params["upsampling"]["fuse1"], params["semantic"]["fuse"]):
        assert fused["depthwise"].shape[:2] == (5, 5)
    with pytest.raises(ValueError, match="odd and positive, got 4"):
        configs.nano(kernel=4)


BACKBONES = [
    configs.Nano((4, 4, 4), (1, 1, 1)),
    configs.ResNet(18, stem_pool=True),
    configs.ResNet(18, dilated=True),
]


@pytest.mark.parametrize("backbone", BACKBONES, ids=str)
def test_sizes_and_strides_are_those_of_the_answers(backbone):
    skips = (4,) * (len(backbone.strides) - 1)
    config = configs.deepsportlab(
        image_hw=(97, 129), backbone=backbone, channels=8, skips=skips
    )
    out, _ = started(config, 2)
    assert out.parts.confidence.shape[1:3] == config.pif_hw
    assert out.semantic.shape[1:3] == out.offset.shape[1:3] == config.map_hw
    for (h, w), stride in (
        (config.pif_hw, config.pif_stride),
        (config.map_hw, config.map_stride),
    ):
        assert ((h - 1) * stride, (w - 1) * stride) == (96, 128)


def tiny(**fields):
    small = {"image_hw": (33, 49), "channels": 4, "skips": (4, 4)}
    return configs.nano(**small | {"backbone": BACKBONES[0]} | fields)


SUBSETS = [
    (("parts",), "pif"),
    (("ball",), "heat"),
    (("masks",), "pif"),
    (("centre",), "pif"),
    (("centre",), "heat"),
    (("parts", "ball"), "heat"),
    (("centre", "masks"), "pif"),
    (configs.HEADS, "heat"),
]


@pytest.mark.parametrize(("heads", "style"), SUBSETS)
def test_a_subset_of_heads_answers_what_it_names(heads, style):
    config = tiny(heads=heads, centre_style=style)
    out, variables = started(config)
    params = variables["params"]
    assert (out.parts is not None) == ("parts" in heads)
    assert (out.ball is not None) == ("ball" in heads)
    assert (out.centre is not None) == (style == "pif" and "centre" in heads)
    heat = out.centre_heat is not None
    assert heat == config.has_centre_heat == (style == "heat" and "centre" in heads)
    assert (out.semantic is not None) == ("masks" in heads)
    assert (out.offset is not None) == config.has_offsets == ("masks" in heads)
    assert ("aspp" in params) == ("upsampling" in params) == config.has_maps
    assert config.has_maps == ("masks" in heads or heat)


def test_ballseg_segments_the_ball_alone():
    config = configs.ballseg(image_hw=(33, 33))
    out, _ = started(config)
    assert out.semantic.shape == (1, 17, 17, 2)
    assert (out.offset, out.parts, out.ball, out.centre) == (None,) * 4
    assert config.classes == ("background", "ball")


def test_panoptic_deeplab_has_a_map_of_centres():
    out, _ = started(configs.panoptic(image_hw=(33, 33)))
    assert out.centre_heat.shape == (1, 17, 17, 1)
    assert out.offset.shape == (1, 17, 17, 2)
    assert (out.centre, out.parts, out.ball) == (None,) * 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": ()}, "one or more of"),
        ({"heads": ("ball", "ball")}, "each once"),
        ({"heads": ("events",)}, "got .'events',"),
        ({"classes": ("player", "ball")}, "'background' and others"),
        ({"classes": ("background", "ball", "player")}, "in that order"),
        ({"classes": ()}, "'background' and others"),
        ({"image_hw": (640, 641)}, "stride 16 plus one .* 640x641: use 641x641"),
        ({"image_hw": (641, 1)}, "got 641x1: use 641x17"),
        ({"skips": (128, 64)}, "3 in all"),
        ({"dropout": 1.0}, "`dropout` is in"),
        ({"std": (0.0, 1.0, 1.0)}, "`std` is positive"),
        ({"players": 254}, "between 1 and 253"),
        ({"momentum": 1.0}, "`momentum` is in"),
    ],
)
def test_contradictions_get_one_clear_error(fields, message):
    with pytest.raises(ValueError, match=message):
        configs.deepsportlab(**fields)


def test_base_rates_are_probabilities_that_leave_a_background():
    assert configs.BaseRates().confidence == 0.01
    with pytest.raises(ValueError, match="between 0 and 1, got 0"):
        configs.BaseRates(ball=0.0)
    with pytest.raises(ValueError, match="leave pixels to the background"):
        configs.BaseRates(player=0.9, ball=0.2)


@pytest.mark.parametrize("preset", configs.PRESETS.values())
def test_presets_are_values_that_fields_may_change(preset):
    config = preset(players=7)
    assert isinstance(config, configs.Config)
    assert config.players == 7
    assert hash(dataclasses.replace(config)) == hash(config)
    assert set(config.classes) <= set(configs.CLASSES)


def test_abstract_inputs_are_those_of_a_batch():
    inputs = configs.nano().abstract_inputs(3)
    assert inputs.image.shape == (3, 321, 321, 3)
    assert inputs.image.dtype == np.uint8
    assert inputs.valid_hw.shape == inputs.to_source.shape == (3, 2)
