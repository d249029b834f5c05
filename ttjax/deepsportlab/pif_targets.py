"""Points become the target of a part intensity field; one picture, the caller vmaps.

Cell (row i, column j) of a field of stride s stands at the pixel xy (j, i) * s + 0.5.
"""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

PATCH = 4
"""Cells on each side of the square around a point that answer for it."""
_STEPS = 2**18
"""Steps per squared cell in which distances are compared; they are at most 8."""
_ROWS = 256
"""Points of one kind that a comparison can tell apart."""
_UNSURE, _NOBODY = 2**30, 2**31 - 1
"""Claims from which on a cell is one of an unsure point, or of none."""


@flax.struct.dataclass
class PifTarget:
    """What a `ttjax.deepsportlab.arrays.Pif` should say. Leading axes are free.

    confidence: whether a cell answers for a point.
    known: where the confidence is taught.
    vector: from the cell to the point, (x, y) in cells.
    vector_known: where the vector is taught: the cells around points.
    scale: of the point in cells; 1 where it is not known.
    scale_known: where the scale is taught.
    labelled: False where nothing is known of the picture.
    """

    confidence: Bool[Array, "*b hf wf k"]
    known: Bool[Array, "*b hf wf k"]
    vector: Float[Array, "*b hf wf k 2"]
    vector_known: Bool[Array, "*b hf wf k"]
    scale: Float[Array, "*b hf wf k"]
    scale_known: Bool[Array, "*b hf wf k"]
    labelled: Bool[Array, "*b"]


def to_cells(points_px: Float[Array, "*n 2"], stride: int) -> Float[Array, "*n 2"]:
    """Points in pixels, in cells: cell j is at j."""
    return (points_px - 0.5) / stride


def valid_cells(
    valid_hw: Array, *, stride: int, size_hw: tuple[int, int]
) -> Bool[Array, "{size_hw[0]} {size_hw[1]}"]:
    """The cells, or pixels of a map of this stride, that stand in the picture."""
    rows, columns = (jnp.arange(size) * stride for size in size_hw)
    return (rows < valid_hw[0])[:, None] & (columns < valid_hw[1])[None]


def box_cells(
    box_px: Float[Array, "n 4"],
    which: Bool[Array, " n"],
    *,
    stride: int,
    size_hw: tuple[int, int],
) -> Bool[Array, "{size_hw[0]} {size_hw[1]}"]:
    """The cells that lie in one of the boxes that count, rounded outwards.

    From the last cell at or before the box to the last one inside it.
    """
    first = jnp.floor(to_cells(box_px[:, :2], stride))
    end = jnp.ceil(to_cells(box_px[:, 2:], stride))

    def along(axis: int, size: int) -> Bool[Array, "n s"]:
        cells = jnp.arange(size)[None]
        return (cells >= first[:, axis, None]) & (cells < end[:, axis, None])

    rows, columns = along(1, size_hw[0]), along(0, size_hw[1])
    rows = rows & which[:, None]
    return (rows[:, :, None] & columns[:, None]).any(axis=0)


def encode(
    points_px: Float[Array, "n k 2"],
    present: Bool[Array, "n k"],
    scale: Float[Array, "n k"],
    scale_known: Bool[Array, "n k"],
    *,
    unsure: Bool[Array, "n k"] | None = None,
    ignored: Bool[Array, "hf wf"],
    valid: Bool[Array, "hf wf"],
    labelled: Bool[Array, ""],
    stride: int,
) -> PifTarget:
    """A field for k kinds of points, of which there are up to n each.

    The 4x4 cells from round(xy - 1.5) on, xy in cells, answer for a point; a cell in
    the squares of two points of a kind for the nearer one. Every other cell is taught
    that there is none.

    unsure: points that are present, but of whose cells nothing is taught, unless they
        answer for another point as well.
    ignored: cells that are taught nothing about confidence, unless a point is less than
        one cell away.
    valid: cells in the picture; all others answer for nothing, and are taught that.
    labelled: False: nothing is taught.

    PifPaf's encoder (Kreiss et al., 2019) as DeepSportLab has it, section 3.2.

    Raises:
        ValueError: more points of a kind than can be told apart.
    """
    n, k = present.shape
    hf, wf = ignored.shape
    if n > _ROWS:
        raise ValueError(
            f"A field tells {_ROWS} points of a kind apart, got {n} rows: lower the "
            "number of players."
        )
    present = present & jnp.isfinite(points_px).all(axis=-1)
    cells = jnp.where(present[..., None], to_cells(points_px, stride), 0.0)
    size = jnp.array([wf, hf], jnp.float32)[None, None]
    # Far outside is as good as anywhere else outside.
    corner = jnp.clip(jnp.round(cells - 1.5), -float(PATCH), size)
    y, x = jnp.meshgrid(jnp.arange(PATCH), jnp.arange(PATCH), indexing="ij")
    steps = jnp.stack([x, y], axis=-1).reshape(1, 1, -1, 2).astype(jnp.float32)
    at = corner[:, :, None] + steps
    square = jnp.sum((cells[:, :, None] - at) ** 2, axis=-1)
    # Distance and row in one integer: a minimum that any order of writes agrees on.
    far = (jnp.minimum(square, 8.0) * _STEPS).astype(jnp.int32) * _ROWS
    claim = far + jnp.arange(n, dtype=jnp.int32)[:, None, None]
    if unsure is not None:
        claim = claim + jnp.where(unsure, _UNSURE, 0)[..., None]
    inside = ((at >= 0) & (at < size[:, :, None])).all(axis=-1) & present[..., None]
    column, row = at[..., 0].astype(jnp.int32), at[..., 1].astype(jnp.int32)
    place = (row * wf + column) * k + jnp.arange(k)[None, :, None]
    place = jnp.where(inside, place, hf * wf * k)
    best = jnp.full((hf * wf * k,), _NOBODY, jnp.int32)
    best = best.at[place].min(claim, mode="drop").reshape(hf, wf, k)

    doubt = (best >= _UNSURE) & (best != _NOBODY) & valid[:, :, None]
    near = (best < _UNSURE) & valid[:, :, None] & labelled
    who = jnp.where(near, best % _ROWS, 0)
    kind = jnp.arange(k)[None, None]
    y, x = jnp.meshgrid(jnp.arange(hf), jnp.arange(wf), indexing="ij")
    here = jnp.stack([x, y], axis=-1).astype(jnp.float32)[:, :, None]
    vector = jnp.where(near[..., None], cells[who, kind] - here, 0.0)
    close = near & (jnp.sum(vector**2, axis=-1) < 1.0)
    sized = near & scale_known[who, kind]
    taught = (~(ignored & valid)[:, :, None] & ~doubt) | close
    return PifTarget(
        confidence=near,
        known=taught & labelled,
        vector=vector,
        vector_known=near,
        scale=jnp.where(sized, scale[who, kind], 1.0),
        scale_known=sized,
        labelled=labelled,
    )
