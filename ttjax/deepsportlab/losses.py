"""One loss per head, per example, on raw outputs (DeepSportLab, section 3.3)."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ttjax.deepsportlab.arrays import Outputs, Pif
from ttjax.deepsportlab.mask_targets import NO_CLASS, HeatTarget, MaskTarget
from ttjax.deepsportlab.pif_targets import PifTarget
from ttjax.deepsportlab.targets import Targets
from ttjax.losses import binary, categorical, regression
from ttjax.losses.term import Term

FIELDS = ("parts", "centre", "ball")
HALVES = ("semantic", "offset")
NAMES = (*FIELDS, "masks", *HALVES)
"""Terms: of each head, and of the two halves of "masks"."""


def head_of(name: str) -> str:
    """The head that a term teaches."""
    return "masks" if name in HALVES else name


@runtime_checkable
class Loss(Protocol):
    """The losses of a recipe."""

    def terms(
        self, outputs: Outputs, targets: Targets, names: Sequence[str]
    ) -> dict[str, Term]:
        """The terms called `names`, in the order of that list."""
        ...


@dataclasses.dataclass(frozen=True)
class Released:
    """What the released code minimises, as a sum of terms over heads.

    Per field, summed over the cells and kinds that are taught:
    20 / 1000 sum of focal cross-entropies (gamma 1)
    + 10 * 0.1 / 100 sum of log 2 + l + |d| exp(-l), with l = 3 tanh(log_spread / 3)
    + 10 / 100 sum of |log scale - log scale*|, distances d and scales in cells.
    Masks: 10 times the mean of the hardest fifth of the pixels' cross-entropies
    + 0.1 * 0.01 times the mean of (dy^2 + dx^2) / 2 over the pixels of players, in
    pixels of the picture. The factors 1 / 1000, 0.1 / 100, 1 / 100 and 0.01 are not in
    the paper.

    Deviations, so that a picture without labels changes nothing: the hardest fifth is
    that of each picture, not of the batch, and fields are averaged over the pictures
    that have labels for them. "masks" averages offsets over the pixels of each picture;
    the term "offset" weighs pictures by their pixels of players, which together is the
    mean over the batch. Offsets are taught at players, not at the ball; masks are
    compared at the stride of the map, not at that of the picture. A heat map of centres
    has the mean square error of Panoptic-DeepLab, times 200.

    confidence, vector, scale, semantic, offset, heat: weights.
    gamma: of the focal factor. hardest: share of the pixels that count.
    """

    confidence: float = 20.0
    vector: float = 10.0
    scale: float = 10.0
    semantic: float = 10.0
    offset: float = 0.1
    heat: float = 200.0
    gamma: float = 1.0
    hardest: float = 0.2

    def __post_init__(self):
        """Checks the share."""
        if not 0 < self.hardest <= 1:
            raise ValueError(
                f"`hardest` is a share of the pixels, above 0 and at most 1, got "
                f"{self.hardest}: the released one is 0.2."
            )

    def terms(
        self, outputs: Outputs, targets: Targets, names: Sequence[str]
    ) -> dict[str, Term]:
        """The terms called `names`, in the order of that list.

        Raises:
            ValueError: a term of a head that is switched off, or that there is not.
        """
        return _terms(self, outputs, targets, names)

    def field(self, pif: Pif, target: PifTarget) -> Float[Array, " b"]:
        """Of a field, per example."""
        raw: Any = pif
        gamma = self.gamma
        confidence = binary.focal_cross_entropy(
            raw.confidence, target.confidence, gamma=gamma
        )
        distance = regression.length(_f32(raw.vector) - target.vector)
        vector = regression.laplace(distance, _f32(raw.log_spread))
        scale = regression.log_l1(_f32(raw.log_scale), target.scale)
        return (
            self.confidence / 1000.0 * _sum(confidence, target.known)
            + self.vector * 0.1 / 100.0 * _sum(vector, target.vector_known)
            + self.scale / 100.0 * _sum(scale, target.scale_known)
        )

    def semantics(
        self, logits: Float[Array, "b h w c"], target: MaskTarget
    ) -> Float[Array, " b"]:
        """Of the semantic map, per example."""
        pixels = categorical.cross_entropy(logits, target.semantic)
        known = target.semantic != NO_CLASS
        count = len(pixels)

        def one(values: Array, known: Array) -> Array:
            return categorical.hardest(values, known, share=self.hardest)

        hard = jax.vmap(one)(pixels.reshape(count, -1), known.reshape(count, -1))
        return self.semantic * hard

    def offsets(
        self, offset: Float[Array, "b h w 2"], target: MaskTarget, stride: int
    ) -> Float[Array, " b"]:
        """Of the offsets, per example."""
        square = regression.squared(_f32(offset), target.offset) * stride**2
        pixels = jnp.sum(target.offset_known, axis=(1, 2))
        total = _sum(square, target.offset_known)
        return self.offset * 0.01 * total / (2.0 * jnp.maximum(pixels, 1))

    def heat_map(
        self, logits: Float[Array, "b h w 1"], target: HeatTarget
    ) -> Float[Array, " b"]:
        """Of the heat map, per example."""
        return self.heat * _mean_square(logits, target)


@dataclasses.dataclass(frozen=True)
class Paper:
    """Equations 1 and 2 as printed, as a sum of terms over heads.

    Per field: w_cnf times the sum of binary cross-entropies + w_loc times the sum of
    |d|^2 / B^2 + log B + w_sig times the sum of |scale - scale*|, over cells and kinds,
    not divided by their number: with millions of cells a learning rate to match.
    Masks: w_sem times the mean over pixels of the binary cross-entropy of each class
    against all others (of one class, Eq. 2 itself) + w_off / P times the sum of the
    squared offsets in pixels of the picture over the pixels of players, P of them all.

    Deviations: log B is kept within +-3 and exp of large log scales goes on as a
    straight line, so that nothing overflows; confidence is taught at every cell, vector
    and scale at those that answer for a point, as in the released code.

    Weights: the paper's (section 4.1). heat: as in `Released`.
    """

    confidence: float = 20.0
    vector: float = 10.0
    scale: float = 10.0
    semantic: float = 10.0
    offset: float = 0.1
    heat: float = 200.0

    def terms(
        self, outputs: Outputs, targets: Targets, names: Sequence[str]
    ) -> dict[str, Term]:
        """The terms called `names`, in the order of that list.

        Raises:
            ValueError: a term of a head that is switched off, or that there is not.
        """
        return _terms(self, outputs, targets, names)

    def field(self, pif: Pif, target: PifTarget) -> Float[Array, " b"]:
        """Of a field, per example."""
        raw: Any = pif
        here = target.confidence.astype(jnp.float32)
        confidence = binary.cross_entropy(raw.confidence, here)
        distance = regression.length(_f32(raw.vector) - target.vector)
        vector = regression.gaussian(distance, _f32(raw.log_spread))
        scale = regression.l1_of_log(_f32(raw.log_scale), target.scale)
        return (
            self.confidence * _sum(confidence, target.known)
            + self.vector * _sum(vector, target.vector_known)
            + self.scale * _sum(scale, target.scale_known)
        )

    def semantics(
        self, logits: Float[Array, "b h w c"], target: MaskTarget
    ) -> Float[Array, " b"]:
        """Of the semantic map, per example."""
        known = target.semantic != NO_CLASS
        pixels = categorical.one_against_rest(logits, target.semantic)
        count = jnp.maximum(jnp.sum(known, axis=(1, 2)), 1)
        return self.semantic * _sum(pixels, known) / count

    def offsets(
        self, offset: Float[Array, "b h w 2"], target: MaskTarget, stride: int
    ) -> Float[Array, " b"]:
        """Of the offsets, per example."""
        square = regression.squared(_f32(offset), target.offset) * stride**2
        pixels = offset.shape[1] * offset.shape[2]
        return self.offset * _sum(square, target.offset_known) / pixels

    def heat_map(
        self, logits: Float[Array, "b h w 1"], target: HeatTarget
    ) -> Float[Array, " b"]:
        """Of the heat map, per example."""
        return self.heat * _mean_square(logits, target)


def _terms(
    loss: Released | Paper, outputs: Outputs, targets: Targets, names: Sequence[str]
) -> dict[str, Term]:
    made = {}
    for name in names:
        if name not in NAMES:
            raise ValueError(
                f"A loss term is one of {NAMES}, got {name!r}: correct it."
            )
        made[name] = _term(loss, outputs, targets, name)
    return made


def _term(
    loss: Released | Paper, outputs: Outputs, targets: Targets, name: str
) -> Term:
    out: Any = outputs
    if name == "centre" and out.centre is None:
        target: Any = _on(targets.centre_heat, name)
        logits = _on(out.centre_heat, name)
        return _weighted(loss.heat_map(logits, target), target.labelled)
    if name in FIELDS:
        target = _on(getattr(targets, name), name)
        return _weighted(
            loss.field(_on(getattr(out, name), name), target), target.labelled
        )
    target = _on(targets.masks, name)
    logits = _on(out.offset if name == "offset" else out.semantic, name)
    if name == "offset":
        value = loss.offsets(logits, target, targets.map_stride)
        pixels = jnp.sum(target.offset_known, axis=(1, 2)).astype(jnp.float32)
        return Term(value=value, weight=pixels)
    value = loss.semantics(logits, target)
    if name == "masks" and out.offset is not None:
        value = value + loss.offsets(out.offset, target, targets.map_stride)
    return _weighted(value, target.labelled)


def _on(part: Any, name: str) -> Any:
    if part is None:
        raise ValueError(
            f"The loss term {name!r} needs its head in the outputs and in the targets, "
            "got None: add it to `heads`, or drop the term."
        )
    return part


def _weighted(value: Float[Array, " b"], labelled: Bool[Array, " b"]) -> Term:
    """Weight 1 where there are labels; else the value 0 and the weight 0."""
    weight = labelled.astype(jnp.float32)
    return Term(value=jnp.where(labelled, value, 0.0), weight=weight)


def _f32(values: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    return values.astype(jnp.float32)


def _sum(
    values: Float[Array, "b *n"], known: Bool[Array, "b *n"]
) -> Float[Array, " b"]:
    """Per example, over what is known."""
    return jnp.sum(jnp.where(known, values, 0.0), axis=tuple(range(1, values.ndim)))


def _mean_square(
    logits: Float[Array, "b h w 1"], target: HeatTarget
) -> Float[Array, " b"]:
    square = (jax.nn.sigmoid(_f32(logits[..., 0])) - target.heat) ** 2
    count = jnp.maximum(jnp.sum(target.known, axis=(1, 2)), 1)
    return _sum(square, target.known) / count
