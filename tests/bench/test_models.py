import jax
import numpy as np
import pytest

from bench import models
from bench.models import Model


def test_names_of_the_paper_s_networks_are_their_families():
    assert Model("ttnet").preset == "ttnet"
    assert Model("ttnet").label == "ttnet"
    assert Model("deepsportlab", "nano").label == "deepsportlab.nano"
    assert set(models.PRESETS) == {"ttnet", "deepsportlab"}
    assert max(models.QUICK_HW) < min(models.FULL_HD)


@pytest.mark.parametrize(
    "names", [("tnet",), ("ttnet", "nanno"), ("deepsportlab", "", "hands")]
)
def test_unknown_names_are_told_with_the_known(names):
    with pytest.raises(ValueError, match="choose one"):
        Model(*names)


def test_what_is_asked_chooses_heads():
    for asked, heads in models.TABLE_4.items():
        assert Model("deepsportlab", asked=asked).task().config.heads == heads
        quick = Model("deepsportlab", asked=asked, quick=True).task()
        assert quick.config.heads == heads
        assert max(quick.config.image_hw) < 100
    assert Model("ttnet").task("bfloat16").config.compute_dtype == "bfloat16"


def test_weights_have_the_network_s_shapes_and_none_is_neutral():
    task = Model("ttnet", quick=True).task()
    drawn = models.variables(task)
    wanted = task.config.abstract_variables()
    assert jax.tree.structure(drawn) == jax.tree.structure(wanted)
    for got, leaf in zip(*map(jax.tree.leaves, (drawn, wanted)), strict=True):
        assert (got.shape, got.dtype) == (leaf.shape, leaf.dtype)
        assert np.isfinite(got).all()
        assert not np.isin(got, (0.0, 1.0)).any()
    again = models.variables(task)
    jax.tree.map(np.testing.assert_array_equal, drawn, again)
