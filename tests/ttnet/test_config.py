import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ttjax import registry
from ttjax.nn import cost
from ttjax.samples import Window
from ttjax.ttnet import config as configs
from ttjax.ttnet.model import MODULES


def gmac(config):
    variables, inputs = config.abstract_variables(), config.abstract_inputs()
    return round(cost.macs(config.model.apply, variables, inputs) / 1e9, 3)


def test_the_exact_network_has_the_published_size_and_cost():
    config = configs.ttnet()
    params = config.abstract_variables()["params"]
    assert cost.parameters(params) == 15_801_189
    assert cost.parameters(params["global_encoder"]) == 1_184_256
    assert gmac(config) == 5.257
    assert set(params) == set(MODULES)


def test_resnet18_differs_in_its_encoders_only():
    ours = configs.resnet18().abstract_variables()["params"]
    exact = configs.ttnet().abstract_variables()["params"]
    assert cost.parameters(ours["global_encoder"]["trunk"]) == 11_251_776
    for name in ("global_ball", "local_ball", "events", "masks"):
        assert jax.tree.map(jnp.shape, ours[name]) == jax.tree.map(
            jnp.shape, exact[name]
        )


def test_the_nano_is_small():
    config = configs.nano()
    size = cost.parameters(config.abstract_variables()["params"])
    assert 150_000 < size < 250_000
    assert gmac(config) < 0.5
    assert config.ball_frames == 9


@pytest.mark.parametrize("frames", [1, 2, 7, 64])
@pytest.mark.parametrize("preset", configs.PRESETS.values())
def test_every_preset_takes_any_window(preset, frames):
    config = preset(window=Window(frames), width=0.25)
    out = jax.eval_shape(
        config.model.apply, config.abstract_variables(), config.abstract_inputs(2)
    )
    k = frames if config.event_ball else 1
    assert out.ball_local.x.shape == (2, k, 320)
    assert out.events.shape == (2, 2)


def test_every_window_from_1_to_64_is_a_config():
    assert {configs.nano(window=Window(n)).ball_frames for n in range(1, 65)} == {
        *range(1, 65)
    }


@pytest.mark.slow
def test_every_possible_subset_of_heads_answers_what_it_names():
    fields = {"ball_global": "ball_global", "ball_local": "ball_local"}
    possible = 0
    for count in range(1, 5):
        for heads in itertools.combinations(configs.HEADS, count):
            if "ball_local" in heads and "ball_global" not in heads:
                with pytest.raises(ValueError, match="add 'ball_global'"):
                    configs.ttnet(heads=heads)
                continue
            possible += 1
            config = configs.ttnet(heads=heads, width=0.1)
            out = jax.eval_shape(
                config.model.apply,
                config.abstract_variables(),
                config.abstract_inputs(),
            )
            for head in configs.HEADS:
                there = getattr(out, fields.get(head, head)) is not None
                assert there == (head in heads)
            assert (config.canvas_hw is None) == ("ball_local" not in heads)
    assert possible == 11


def test_any_classes_and_sizes():
    config = configs.nano(
        events=("bounce",),
        masks=("table", "net"),
        frame_hw=(64, 192),
        crop_hw=(64, 64),
        canvas_margin=(0, 8),
    )
    assert config.canvas_hw == (64, 80)
    out = jax.eval_shape(
        config.model.apply, config.abstract_variables(), config.abstract_inputs(3)
    )
    assert out.events.shape == (3, 1)
    assert out.masks.shape == (3, 64, 192, 2)
    assert out.ball_global.y.shape == (3, 9, 64)
    assert out.ball_local.x.shape == (3, 9, 64)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"heads": ()}, "one or more of"),
        ({"heads": ("masks", "masks")}, "each once"),
        ({"heads": ("ball",)}, "got .'ball',"),
        ({"heads": ("masks",), "event_ball": True}, "`event_ball` needs a ball head"),
        ({"events": ()}, "leave 'events' out"),
        ({"masks": ("table", "table")}, "every class of that head one name"),
        ({"frame_hw": (100, 320)}, "`frame_hw` is a multiple .* 64 .*: use 64x320"),
        ({"crop_hw": (128, 30)}, "`crop_hw` is a multiple .*: use 128x64"),
        ({"crop_hw": (64, 320)}, "their sizes agree"),
        ({"dropout": 1.0}, "`dropout` is in"),
        ({"width": 0.0}, "`width` is positive"),
        ({"canvas_margin": (-1, 0)}, "`canvas_margin` is not negative"),
    ],
)
def test_contradictions_get_one_clear_error(fields, message):
    with pytest.raises(ValueError, match=message):
        configs.ttnet(**fields)


def test_base_rates_are_probabilities():
    assert configs.BaseRates().global_xy == (0.011, 0.017)
    with pytest.raises(ValueError, match="between 0 and 1, got 1"):
        configs.BaseRates(events=1.0)


@pytest.mark.parametrize("preset", configs.PRESETS.values())
def test_configs_survive_a_checkpoint_and_are_values(preset):
    config = preset(window=Window(5), events=("bounce",))
    assert registry.decode(registry.encode(config)) == config
    assert hash(dataclasses.replace(config)) == hash(config)
    assert isinstance(config, configs.Config)


def test_abstract_inputs_are_those_of_a_batch():
    inputs = configs.ttnet().abstract_inputs(4)
    assert inputs.frames.shape == (4, 9, 128, 320, 3)
    canvas: Any = inputs.canvas
    assert canvas.shape == (4, 9, 160, 368, 3)
    assert inputs.forced.dtype == np.bool_
    assert configs.ttnet(heads=("masks",)).abstract_inputs().canvas is None
