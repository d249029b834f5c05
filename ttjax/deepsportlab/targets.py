"""Labels of scenes as targets of every head (DeepSportLab, section 3.3).

Masks of what is taught stand beside the targets; no value is a NaN.
"""

from collections.abc import Sequence
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

from ttjax.deepsportlab import pif_targets, scales
from ttjax.deepsportlab.mask_targets import (
    HeatTarget,
    MaskTarget,
    encode_heat,
    encode_masks,
    visible_centres,
)
from ttjax.deepsportlab.pif_targets import PifTarget
from ttjax.deepsportlab.scales import InstanceScale, PaperScale
from ttjax.samples import UNKNOWN, VISIBLE
from ttjax.scenes import HIDDEN, IGNORED, UNLABELLED, SceneLabels

__all__ = ["InstanceScale", "PaperScale", "Targets", "build"]

HEADS = ("parts", "centre", "ball", "masks")
"""What there are targets of."""


@flax.struct.dataclass
class Targets:
    """One target per head; None marks a head that is switched off.

    map_stride: pixels of the picture per pixel of the maps.
    """

    parts: PifTarget | None
    centre: PifTarget | None
    ball: PifTarget | None
    masks: MaskTarget | None
    centre_heat: HeatTarget | None
    map_stride: int = flax.struct.field(pytree_node=False)


def build(
    labels: SceneLabels,
    valid_hw: Int32[Array, "b 2"],
    *,
    pif_stride: int,
    map_stride: int,
    heads: Sequence[str] = HEADS,
    classes: Sequence[str] = ("background", "player", "ball"),
    heat: bool = False,
    scale: scales.Scale = InstanceScale(),
    teach_covered: bool = True,
) -> Targets:
    """Targets of a batch, for the heads that are named.

    pif_stride, map_stride: pixels per cell of a field, per pixel of a map. The size of
        the pictures is that of `labels.ids`: a multiple of both plus one.
    classes: what the semantic map tells apart, in its order.
    heat: the centres are a heat map instead of a field.
    teach_covered: hidden joints behind somebody else count as all others, as in the
        paper. A decoder that groups by masks takes them for the other player's; False:
        nothing is taught of them.

    Raises:
        ValueError: the size of the pictures is another one.
    """
    size = labels.ids.shape[-2:]
    if any(side % s != 1 for side in size for s in (pif_stride, map_stride) if s > 1):
        raise ValueError(
            f"Pictures are a multiple of the strides {pif_stride} and {map_stride} px "
            f"plus one, got {size[0]}x{size[1]}: resize or pad them."
        )
    valid = jnp.asarray(valid_hw)

    def one(labels: SceneLabels, valid_hw: Array) -> Targets:
        return _one(
            labels,
            valid_hw,
            pif_stride=pif_stride,
            map_stride=map_stride,
            heads=heads,
            classes=classes,
            heat=heat,
            scale=scale,
            teach_covered=teach_covered,
        )

    return jax.vmap(one)(jax.tree.map(jnp.asarray, labels), valid)


def _one(
    labels: SceneLabels,
    valid_hw: Array,
    *,
    pif_stride: int,
    map_stride: int,
    heads: Sequence[str],
    classes: Sequence[str],
    heat: bool,
    scale: scales.Scale,
    teach_covered: bool,
) -> Targets:
    """Targets of one picture."""
    known: Any = labels  # Arrays of JAX, all of them.
    fields = _Fields(known, valid_hw, pif_stride)
    centre_px, area = visible_centres(known.ids, known.players.shape[0])
    visible = known.players & (area > 0) & known.masks_known
    parts = fields.parts(teach_covered) if "parts" in heads else None
    ball = fields.ball(scale) if "ball" in heads else None
    centre = centre_heat = masks = None
    if "centre" in heads and heat:
        centre_heat = encode_heat(
            labels, valid_hw, centre_px, visible, stride=map_stride
        )
    elif "centre" in heads:
        centre = fields.centre(centre_px, visible, scale)
    if "masks" in heads:
        masks = encode_masks(
            labels, valid_hw, centre_px, classes=classes, stride=map_stride
        )
    return Targets(
        parts=parts,
        centre=centre,
        ball=ball,
        masks=masks,
        centre_heat=centre_heat,
        map_stride=map_stride,
    )


class _Fields:
    """The intensity fields of one picture."""

    def __init__(self, labels: Any, valid_hw: Array, stride: int):
        self.labels, self.stride = labels, stride
        self.ids = labels.ids[::stride, ::stride]
        self.size_hw = self.ids.shape[0], self.ids.shape[1]
        self.valid = pif_targets.valid_cells(
            valid_hw, stride=stride, size_hw=self.size_hw
        )
        some = labels.players[:, None] & (labels.joint_state != UNLABELLED)
        self.joints = some & labels.joints_known
        self.bare = labels.players & ~self.joints.any(axis=-1)

    def ignored(self, rows: Bool[Array, " n"]) -> Bool[Array, "hf wf"]:
        """The boxes of these rows, and the pixels that are not told apart."""
        boxes = pif_targets.box_cells(
            self.labels.box_px, rows, stride=self.stride, size_hw=self.size_hw
        )
        return boxes | ((self.ids == IGNORED) & self.labels.masks_known)

    def covered(self) -> Bool[Array, "n k"]:
        """Which joints are hidden and lie on the mask of another player."""
        ids, labels = self.labels.ids, self.labels
        size_wh = jnp.array([ids.shape[1], ids.shape[0]], jnp.float32)[None, None]
        inside = ((labels.joints_px >= 0) & (labels.joints_px < size_wh)).all(axis=-1)
        at = jnp.where(inside[..., None], labels.joints_px, 0.0).astype(jnp.int32)
        row = ids[at[..., 1], at[..., 0]].astype(jnp.int32) - 1
        n = labels.players.shape[0]
        other = (row >= 0) & (row < n) & (row != jnp.arange(n)[:, None])
        other = inside & other & labels.masks_known
        return other & (labels.joint_state == HIDDEN)

    def parts(self, teach_covered: bool) -> PifTarget:
        """The joints; crowds, and players without any of them, are ignored."""
        joints_px, stride = self.labels.joints_px, self.stride
        cells = pif_targets.to_cells(joints_px, stride)
        present = self.joints & jnp.isfinite(joints_px).all(axis=-1)
        cells = jnp.where(present[..., None], cells, 0.0)
        scale, known = scales.part_scales(cells, present)
        return pif_targets.encode(
            joints_px,
            present,
            scale,
            known,
            unsure=None if teach_covered else self.covered(),
            ignored=self.ignored(self.labels.crowd | self.bare),
            valid=self.valid,
            labelled=self.labels.joints_known,
            stride=stride,
        )

    def centre(
        self,
        centre_px: Float[Array, "n 2"],
        visible: Bool[Array, " n"],
        scale: scales.Scale,
    ) -> PifTarget:
        """The means of masks; crowds, and players without any label, are ignored."""
        sizes, known = scale.centre(self.labels.box_px, stride=self.stride)
        return pif_targets.encode(
            centre_px[:, None],
            visible[:, None],
            sizes[:, None],
            known[:, None],
            ignored=self.ignored(self.labels.crowd | (self.bare & ~visible)),
            valid=self.valid,
            labelled=self.labels.masks_known,
            stride=self.stride,
        )

    def ball(self, scale: scales.Scale) -> PifTarget:
        """The ball; nothing is taught where its state is unknown."""
        size, known = scale.ball(self.labels.ball_diameter_px, stride=self.stride)
        state = self.labels.ball_state
        one = (1, 1)
        return pif_targets.encode(
            self.labels.ball_xy_px[None, None],
            (state == VISIBLE).reshape(one),
            size.reshape(one),
            known.reshape(one),
            ignored=jnp.zeros(self.size_hw, jnp.bool_),
            valid=self.valid,
            labelled=state != UNKNOWN,
            stride=self.stride,
        )
