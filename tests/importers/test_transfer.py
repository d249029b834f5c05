import numpy as np
import pytest

from ttjax.importers import transfer
from ttjax.importers.transfer import Transfer

RNG = np.random.default_rng(0)


def state():
    return {
        "a.weight": RNG.normal(size=(4, 3, 2, 5)),
        "a.bias": RNG.normal(size=4),
        "n.weight": np.full(4, 1.0),
        "n.bias": np.full(4, 2.0),
        "n.running_mean": np.full(4, 3.0),
        "n.running_var": np.full(4, 4.0),
        "f.weight": RNG.normal(size=(7, 3 * 2 * 5)),
        "f.bias": RNG.normal(size=7),
    }


def test_prefixes_and_bookkeeping_are_no_part_of_a_name():
    dressed = {f"module.model.{name}": value for name, value in state().items()}
    dressed |= {"model.n.num_batches_tracked": np.array(3), "log_x": np.zeros(2)}
    assert list(transfer.bare(dressed, ignored=("log_x",))) == list(state())
    assert "log_x" in transfer.bare(dressed)


def test_each_layer_computes_as_before():
    """Against products written out in PyTorch's order of axes."""
    theirs = state()
    moved = Transfer(theirs)
    moved.conv("net/conv", "a", bias=True)
    moved.norm("net/bn", "n")
    moved.dense("fc", "f", (2, 5))
    params = moved.variables["params"]
    image = RNG.normal(size=(2, 5, 3))  # of h, w, c
    got = np.einsum("hwi,hwio->o", image, params["net"]["conv"]["kernel"])
    expected = np.einsum("ihw,oihw->o", image.transpose(2, 0, 1), theirs["a.weight"])
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    got = image.ravel() @ params["fc"]["kernel"] + params["fc"]["bias"]
    flat = image.transpose(2, 0, 1).ravel()
    expected = theirs["f.weight"] @ flat + theirs["f.bias"]
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    norm = [params["net"]["bn"][name][0] for name in ("scale", "bias")]
    statistics = moved.variables["batch_stats"]["net"]["bn"]
    norm += [statistics[name][0] for name in ("mean", "var")]
    assert norm == [1.0, 2.0, 3.0, 4.0]
    assert params["net"]["conv"]["kernel"].dtype == np.float32
    moved.check_leftovers(())


def test_what_is_missing_and_what_is_left_over_is_named():
    moved = Transfer(state())
    with pytest.raises(ValueError, match=r"'a\.other', .* 2 names under 'a'"):
        moved.take("a.other")
    moved.conv("net", "a")
    with pytest.raises(ValueError, match=r"7 have none, first \['a\.bias'"):
        moved.check_leftovers(())
    moved.check_leftovers(("a.", "f.", "n."))


def test_shapes_that_differ_are_named_with_the_remedy():
    moved = Transfer({})
    moved.put("net/kernel", np.zeros((2, 3)))
    transfer.check_shapes(moved.variables, moved.variables, remedy="do it")
    other = Transfer({})
    other.put("net/kernel", np.zeros((2, 4)))
    words = r"params/net/kernel: \(2, 3\) where \(2, 4\) belongs: do it\."
    with pytest.raises(ValueError, match=words):
        transfer.check_shapes(moved.variables, other.variables, remedy="do it")
    with pytest.raises(ValueError, match="none where"):
        transfer.check_shapes(Transfer({}).variables, other.variables, remedy="do it")
