from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
layers = pytest.importorskip("bench.baselines.layers")


class Two(torch.nn.Module):
    """One block, and one layer after a flattening."""

    def __init__(self):
        super().__init__()
        self.block = layers.ConvBlock(3, 4, pool=True)
        self.dense = torch.nn.Linear(4 * 2 * 3, 5)

    def forward(self, x):
        return self.dense(self.block(x).flatten(1))


@pytest.fixture
def variables():
    rng = np.random.default_rng(0)
    norm = {"scale": rng.uniform(0.5, 2, 4), "bias": rng.normal(size=4)}
    return {
        "params": {
            "block": {
                "conv": {
                    "kernel": rng.normal(size=(3, 3, 3, 4)),
                    "bias": rng.normal(size=4),
                },
                "bn": norm,
            },
            "dense": {"kernel": rng.normal(size=(24, 5)), "bias": rng.normal(size=5)},
        },
        "batch_stats": {
            "block": {"bn": {"mean": rng.normal(size=4), "var": rng.uniform(1, 2, 4)}}
        },
    }


def by_hand(x, variables):
    """Channels last, in loops, in double precision."""
    params, statistics = variables["params"], variables["batch_stats"]
    conv, bn = params["block"]["conv"], params["block"]["bn"]
    mean, var = (statistics["block"]["bn"][name] for name in ("mean", "var"))
    h, w, _ = x.shape
    margin: Any = ((1, 1), (1, 1), (0, 0))
    padded = np.pad(x, margin)
    y = np.zeros((h, w, 4))
    for i in range(h):
        for j in range(w):
            seen = padded[i : i + 3, j : j + 3]
            y[i, j] = np.einsum("ijc,ijco->o", seen, conv["kernel"])
    y = (y + conv["bias"] - mean) / np.sqrt(var + 1e-5) * bn["scale"] + bn["bias"]
    y = np.maximum(y, 0).reshape(h // 2, 2, w // 2, 2, 4).max((1, 3))
    return y.reshape(-1) @ params["dense"]["kernel"] + params["dense"]["bias"]


@pytest.mark.parametrize("folded", [False, True])
def test_loaded_layers_are_the_formulas_of_the_weights(variables, folded):
    network = Two().eval()
    layers.load(network, variables, {"dense": (2, 3)})
    if folded:
        layers.fold(network)
        assert isinstance(network.block.bn, torch.nn.Identity)
    x = np.random.default_rng(1).normal(size=(4, 6, 3))
    with torch.inference_mode():
        picture = torch.from_numpy(x.transpose(2, 0, 1)[None]).float()
        found = network(picture).numpy()[0]
    np.testing.assert_allclose(found, by_hand(x, variables), rtol=1e-5, atol=1e-5)


def test_only_convolutions_with_a_norm_are_folded():
    class Own(layers.Norms):
        pairs = (("up", "bn"),)

        def __init__(self):
            super().__init__()
            self.up = torch.nn.ConvTranspose2d(3, 2, 3, stride=2)
            self.bn = torch.nn.BatchNorm2d(2)
            self.last = torch.nn.Conv2d(2, 2, 1)

        def forward(self, x):
            return self.last(self.bn(self.up(x)))

    network = Own().eval()
    with torch.no_grad():
        network.bn.running_var.uniform_(0.5, 2.0)
        network.bn.running_mean.uniform_(-1.0, 1.0)
    x, last = torch.rand(1, 3, 4, 5), network.last
    with torch.inference_mode():
        before = network(x)
        layers.fold(network)
        after = network(x)
    assert network.last is last
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-5)


def test_weights_and_layers_that_do_not_fit_are_named(variables, without):
    lacking = without(variables, "params", "block", "bn", "scale")
    with pytest.raises(ValueError, match=r"block\.bn\.scale has none"):
        layers.load(Two(), lacking)
    rest = {**variables["params"]["dense"], "more": np.zeros(1)}
    fuller = {**variables, "params": {**variables["params"], "dense": rest}}
    with pytest.raises(ValueError, match=r"1 have none, first dense\.more"):
        layers.load(Two(), fuller)


def test_a_part_that_the_network_lacks_is_not_looked_at(variables):
    params = {**variables["params"], "head": {"kernel": np.zeros((2, 2))}}
    network = Two()
    layers.load(network, {**variables, "params": params})
    bias = network.dense.bias.detach().numpy()
    np.testing.assert_allclose(bias, variables["params"]["dense"]["bias"], rtol=1e-6)
