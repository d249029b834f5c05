import pytest

from ttjax.datasets import options  # pyright: ignore[reportMissingImports]


def test_options_hold_inside_their_block_only():
    assert options.current() == options.Options(workers=1, skip_bad=False, beam=False)
    with options.using(options.Options(workers=3)):
        assert options.current().workers == 3
    assert options.current().workers == 1
    with pytest.raises(ValueError, match="--workers"):
        options.Options(workers=0)
