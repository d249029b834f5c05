"""Exchanges of resolution for channels, and back, without loss."""

from jaxtyping import Array, Shaped


def space_to_depth(
    x: Shaped[Array, "b h w c"], factor: int
) -> Shaped[Array, "b h/{factor} w/{factor} c*{factor}*{factor}"]:
    """Moves `factor` x `factor` patches into the channels, ordered (row, column, c).

    Raises:
        ValueError: the size is no multiple of `factor`.
    """
    b, h, w, c = x.shape
    if h % factor or w % factor:
        raise ValueError(
            f"Height and width are multiples of the patch size {factor}, got {h}x{w}: "
            "pad or resize the input."
        )
    patches = x.reshape(b, h // factor, factor, w // factor, factor * c)
    return patches.transpose(0, 1, 3, 2, 4).reshape(
        b, h // factor, w // factor, factor * factor * c
    )


def depth_to_space(
    x: Shaped[Array, "b h w c"], factor: int
) -> Shaped[Array, "b h*{factor} w*{factor} c/({factor}*{factor})"]:
    """The inverse of `space_to_depth` (pixel shuffle).

    Raises:
        ValueError: the channels are no multiple of `factor` squared.
    """
    b, h, w, c = x.shape
    _check_channels(c, factor * factor)
    patches = x.reshape(b, h, w, factor, c // factor)
    return patches.transpose(0, 1, 3, 2, 4).reshape(
        b, h * factor, w * factor, c // factor**2
    )


def depth_to_space_by_channel(
    x: Shaped[Array, "b h w c"], factor: int
) -> Shaped[Array, "b h*{factor} w*{factor} c/({factor}*{factor})"]:
    """As `depth_to_space`, of channels ordered (c, row, column): PyTorch's order.

    Raises:
        ValueError: the channels are no multiple of `factor` squared.
    """
    b, h, w, c = x.shape
    _check_channels(c, factor * factor)
    cells = x.reshape(b, h, w, c // factor**2, factor, factor)
    return cells.transpose(0, 1, 4, 2, 5, 3).reshape(
        b, h * factor, w * factor, c // factor**2
    )


def depth_to_line(
    x: Shaped[Array, "b n c"], factor: int
) -> Shaped[Array, "b n*{factor} c/{factor}"]:
    """Pixel shuffle along one axis; channels ordered (sub-position, c).

    Raises:
        ValueError: the channels are no multiple of `factor`.
    """
    b, n, c = x.shape
    _check_channels(c, factor)
    return x.reshape(b, n * factor, c // factor)


def _check_channels(channels: int, divisor: int) -> None:
    if channels % divisor:
        raise ValueError(
            f"A pixel shuffle needs a multiple of {divisor} channels, got {channels}: "
            "change the width of the convolution before it."
        )
