import json
import pathlib

import jax
import numpy as np
import pytest

from ttjax.deepsportlab import config as configs
from ttjax.importers import deepsportlab as importer

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "deepsportlab_torch_state.json"
NAMES = [(name, tuple(shape)) for name, shape in json.loads(GOLDEN.read_text())]


def numbered(names):
    """Every tensor, filled with its own number; nothing is stored but that number."""
    return {
        name: np.broadcast_to(np.float32(index), shape)
        for index, (name, shape) in enumerate(names)
    }


@pytest.fixture(scope="module")
def config():
    return configs.deepsportlab(image_hw=(33, 33))


@pytest.fixture(scope="module")
def state():
    return numbered(NAMES)


def shapes(tree):
    return jax.tree.map(lambda leaf: tuple(leaf.shape), tree)


def newer(name):
    """The names of OpenPifPaf 0.12 and later for the trunk of the older ones."""
    _, _, stage, rest = name.split(".", 3)
    stage = int(stage)
    return f"base_net.{f'block{stage + 1}' if stage else 'input_block'}.{rest}"


def torchvision(name):
    _, _, stage, rest = name.split(".", 3)
    if stage == "0":
        number, leaf = rest.split(".")
        return f"{('conv1', 'bn1')[int(number)]}.{leaf}"
    return f"layer{stage}.{rest}"


def trunk(rename, names=NAMES):
    return [(rename(n), shape) for n, shape in names if n.startswith("base_net.")]


def test_a_released_checkpoint_fills_the_whole_network(state, config):
    variables = importer.variables(state, config)
    assert shapes(variables) == shapes(config.abstract_variables())
    leaves = {float(leaf.flat[0]) for leaf in jax.tree.leaves(variables)}
    assert leaves == {float(i) for i in range(len(state))}


def test_prefixes_and_bookkeeping_are_ignored(state, config):
    dressed = {f"module.{name}": value for name, value in state.items()}
    dressed["module.base_net.net.0.1.num_batches_tracked"] = np.array(3)
    plain = importer.variables(state, config)
    jax.tree.map(
        np.testing.assert_array_equal, importer.variables(dressed, config), plain
    )


@pytest.mark.parametrize("rename", [torchvision, newer])
def test_a_trunk_has_one_content_under_all_its_names(state, config, rename):
    names = trunk(rename)
    head = [
        ("head_nets.0.conv.weight", (340, 2048, 1, 1)),
        ("head_nets.0.conv.bias", (340,)),
    ]
    classifier = [("fc.weight", (1000, 2048)), ("fc.bias", (1000,))]
    old = rename is torchvision
    fields = {} if old else {"scale_activation": "softplus"}
    other = configs.deepsportlab(image_hw=(33, 33), **fields)
    found = importer.variables(numbered(names + (classifier if old else head)), other)
    ours = importer.variables(state, config)
    parts = {"backbone"} if old else {"backbone", "parts"}
    assert set(found["params"]) == parts
    for kind in ("params", "batch_stats"):
        jax.tree.map(
            np.testing.assert_array_equal,
            found[kind]["backbone"],
            ours[kind]["backbone"],
        )


def test_openpifpafs_association_fields_are_left_out(config):
    names = [
        *trunk(lambda name: name),
        ("head_nets.0.conv.weight", (340, 2048, 1, 1)),
        ("head_nets.0.conv.bias", (340,)),
        ("head_nets.1.conv.weight", (684, 2048, 1, 1)),
        ("head_nets.2.conv.weight", (900, 2048, 1, 1)),
    ]
    found = importer.variables(numbered(names), config)
    assert set(found["params"]) == {"backbone", "parts"}


@pytest.mark.parametrize("order", [importer.ORDER_12, importer.ORDER_13])
def test_fields_after_one_another_are_grouped_by_component(order):
    points = 3
    rows = [
        (point, name, place)
        for point in range(points)
        for name in order
        for place in range(4)
    ]
    numbers = np.arange(len(rows))[:, None]
    found = importer.grouped(numbers, order)[:, 0]
    expected = [(p, "confidence", i) for p in range(points) for i in range(4)]
    expected += [(p, a, i) for p in range(points) for a in "xy" for i in range(4)]
    expected += [(p, "spread", i) for p in range(points) for i in range(4)]
    expected += [(p, "scale", i) for p in range(points) for i in range(4)]
    assert [rows[n] for n in found] == expected


def test_a_newer_head_is_regrouped(config):
    bias = np.arange(340, dtype=np.float32)
    names = [*trunk(newer), ("head_nets.0.conv.weight", (340, 2048, 1, 1))]
    state = numbered(names) | {"head_nets.0.conv.bias": bias}
    soft = configs.deepsportlab(image_hw=(33, 33), scale_activation="softplus")
    found = importer.variables(state, soft, importer.ORDER_12)
    ours = found["params"]["parts"]["conv"]["bias"]
    np.testing.assert_array_equal(ours, importer.grouped(bias, importer.ORDER_12))
    with pytest.raises(ValueError, match="by 'softplus', the config has 'exp'"):
        importer.variables(state, config)


def test_depthwise_kernels_keep_one_input_channel(state, config):
    name = "head_nets.1.decoder.fuse.2.0.0.0.weight"
    weight = np.random.RandomState(0).randn(160, 1, 5, 5).astype(np.float32)
    found = importer.variables(state | {name: weight}, config)
    kernel = found["params"]["upsampling"]["fuse3"]["depthwise"]
    np.testing.assert_array_equal(kernel[1, 3, 0, 77], weight[77, 0, 1, 3])


def test_a_config_with_fewer_heads_takes_its_part(state):
    config = configs.deepsportlab(image_hw=(33, 33), heads=("ball",))
    assert set(importer.variables(state, config)["params"]) == {"backbone", "ball"}
    config = configs.panoptic(image_hw=(33, 33))
    found = importer.variables(state, config)["params"]
    assert set(found) == {"backbone", "aspp", "upsampling", "semantic", "offset"}


def test_what_does_not_fit_is_named(state, config):
    missing = {n: v for n, v in state.items() if n != "head_nets.3.conv.bias"}
    with pytest.raises(ValueError, match=r"'head_nets\.3\.conv\.bias'"):
        importer.variables(missing, config)
    with pytest.raises(ValueError, match="1 have none, first"):
        importer.variables(state | {"else.weight": np.zeros(1, np.float32)}, config)
    with pytest.raises(ValueError, match=r"'conv1', .* got .'a'"):
        importer.variables({"a": np.zeros(1)}, config)
    with pytest.raises(ValueError, match="those of ResNets, got Nano"):
        importer.variables(state, configs.nano())
    narrow = configs.deepsportlab(image_hw=(33, 33), channels=64)
    with pytest.raises(ValueError, match="have not, first batch_stats/aspp/bn1"):
        importer.variables(state, narrow)
    shallow = configs.deepsportlab(image_hw=(33, 33), backbone=configs.ResNet(101))
    with pytest.raises(ValueError, match=r"'base_net\.net\.3\.6\.conv1\.weight'"):
        importer.variables(state, shallow)
