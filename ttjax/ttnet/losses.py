"""One loss per head, per example, on logits (TTNet, Eqs. 2 to 5)."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ttjax.losses import binary, mining, overlap
from ttjax.losses.term import Term
from ttjax.nn import pixel_shuffle
from ttjax.ttnet.arrays import BallLogits, Outputs
from ttjax.ttnet.targets import BallTargets, Targets

PAPER_EVENT_WEIGHTS = {"bounce": 1.0, "net": 3.0}
"""Section 5.2; any other kind of event weighs 1."""


@dataclasses.dataclass(frozen=True)
class Losses:
    """The losses of the paper by default; the options serve short runs.

    sum_over_bins: add the bins of a ball vector up instead of averaging them.
    subtract_entropy: take from ball and events what no prediction can go below.
    ball_positive: weight of "here" in the ball's cross-entropy, where "not here" weighs
        1. Above 1 it lifts the peaks of a ball that a short training leaves unsure, at
        the price of more false ones.
    ball_at_share: where the ball is predicted in every frame of the stack, the share
        of the frame that counts (`window.ball_at`); the others share the rest. None:
        all frames alike.
    ball_global, ball_local, events, masks: multipliers of the terms.
    event_weights: one per kind of event; None: 1 for bounce, 3 for net, 1 for others.
    hardest: the share of a batch's labelled examples that teach, term by term: those
        with the largest losses (`ttjax.losses.mining`); 1: all. The loss that is told,
        that of validation too, is then the mean over these. Of a batch that is worked
        off in parts each part has its own.
    """

    sum_over_bins: bool = False
    subtract_entropy: bool = False
    ball_positive: float = 1.0
    ball_at_share: float | None = None
    ball_global: float = 1.0
    ball_local: float = 1.0
    events: float = 1.0
    masks: float = 1.0
    event_weights: tuple[float, ...] | None = None
    hardest: float = 1.0

    def __post_init__(self):
        """Checks the shares and the weight."""
        mining.check_share(self.hardest)
        if not self.ball_positive > 0:
            raise ValueError(
                f"`ball_positive` is a weight above 0, got {self.ball_positive}: 1 "
                "weighs both answers alike."
            )
        if self.ball_at_share is not None and not 0 <= self.ball_at_share <= 1:
            raise ValueError(
                f"`ball_at_share` is a share, 0 to 1, got {self.ball_at_share}: "
                "None weighs all frames alike."
            )

    def weights_of(self, events: Sequence[str]) -> tuple[float, ...]:
        """The weight of each kind of event.

        Raises:
            ValueError: as many weights as kinds are needed.
        """
        if self.event_weights is None:
            return tuple(PAPER_EVENT_WEIGHTS.get(name, 1.0) for name in events)
        if len(self.event_weights) != len(events):
            raise ValueError(
                f"Each kind of event has one weight: got {len(self.event_weights)} "
                f"weights for {tuple(events)}: set `event_weights`."
            )
        return self.event_weights

    def frame_shares(self, frames: int, ball_at: int) -> tuple[float, ...]:
        """The share of each predicted frame in a ball term; they add up to 1."""
        if frames == 1:
            return (1.0,)
        share = 1.0 / frames if self.ball_at_share is None else self.ball_at_share
        rest = (1.0 - share) / (frames - 1)
        return tuple(share if frame == ball_at else rest for frame in range(frames))

    def terms(
        self,
        outputs: Outputs,
        targets: Targets,
        *,
        names: Sequence[str],
        events: Sequence[str],
        ball_at: int,
    ) -> dict[str, Term]:
        """The terms called `names`, in the order of that list."""
        made = {}
        for name in names:
            logits: Any = getattr(outputs, name)
            target: Any = getattr(targets, name)
            known: Any = getattr(targets, f"{name}_known", None)
            if name == "events":
                term = event_term(
                    logits,
                    target,
                    known,
                    weights=jnp.array(self.weights_of(events), jnp.float32),
                    subtract_entropy=self.subtract_entropy,
                )
            elif name == "masks":
                term = mask_term(logits, target, known)
            else:
                shares = self.frame_shares(logits.x.shape[1], ball_at)
                term = ball_term(
                    logits,
                    target,
                    frame_shares=jnp.array(shares, jnp.float32),
                    sum_over_bins=self.sum_over_bins,
                    subtract_entropy=self.subtract_entropy,
                    positive=self.ball_positive,
                )
            scaled = getattr(self, name) * term.value
            scaled_term = Term(value=scaled, weight=term.weight)
            made[name] = mining.hardest(scaled_term, self.hardest)
        return made


DICE_SMOOTHING = 1e-4
"""Pixels added to both sides of the Dice quotient (Eq. 5)."""


def _over_known(
    values: Float[Array, "b n"], known: Bool[Array, "b n"], shares: Float[Array, " n"]
) -> Term:
    """The mean over known parts, by their shares (which add up to 1).

    The example weighs as much as its known parts together. So the mean over a batch is
    the mean over known parts, and an unknown part changes nothing.
    """
    kept = jnp.where(known, shares[None], 0.0)
    weight = jnp.sum(kept, axis=-1)
    total = jnp.sum(jnp.where(known, values, 0.0) * kept, axis=-1)
    return Term(total / jnp.where(weight > 0, weight, 1.0), weight)


def ball_term(
    logits: BallLogits,
    targets: BallTargets,
    *,
    frame_shares: Float[Array, " k"],
    sum_over_bins: bool = False,
    subtract_entropy: bool = False,
    positive: float = 1.0,
) -> Term:
    """Mean binary cross-entropy over columns plus that over rows, one stage (Eq. 2).

    As printed, Eq. 2 lacks the half of the empty bins: all-ones would minimise it. With
    `positive` w it is -w t log p - (1 - t) log(1 - p), least at p = w t / (1 + (w - 1)
    t).
    """
    loss = binary.divergence if subtract_entropy else binary.cross_entropy
    reduce = jnp.sum if sum_over_bins else jnp.mean

    def axis(logits: Array, targets: Array) -> Array:
        # The weighted loss is the plain one of another target, times that weight.
        weight = 1.0 + (positive - 1.0) * targets
        bins = weight * loss(logits, positive * targets / weight)
        return reduce(bins, axis=-1)

    found = axis(logits.x, targets.x) + axis(logits.y, targets.y)
    return _over_known(found, targets.known, frame_shares)


def event_term(
    logits: Float[Array, "b e"],
    targets: Float[Array, "b e"],
    known: Bool[Array, "b e"],
    *,
    weights: Float[Array, " e"],
    subtract_entropy: bool = False,
) -> Term:
    """Sum of weight * binary cross-entropy over kinds, over their number (Eq. 3)."""
    loss = binary.divergence if subtract_entropy else binary.cross_entropy
    scale = jnp.mean(weights)
    term = _over_known(loss(logits, targets), known, weights / jnp.sum(weights))
    return Term(value=scale * term.value, weight=term.weight)


def mask_term(
    logits: Float[Array, "b h w m"],
    targets: Float[Array, "b h w m"],
    known: Bool[Array, "b m"],
) -> Term:
    """Mean over known classes of (1 - Dice) + mean binary cross-entropy (Eqs. 4, 5)."""
    classes = known.shape[-1]
    patches, labels = (_patches(maps) for maps in (logits, targets))
    patches = patches.astype(jnp.float32)

    def by_class(values: Float[Array, "b n c"]) -> Float[Array, "b m"]:
        total = jnp.sum(values, axis=1)
        return jnp.sum(total.reshape(len(values), -1, classes), axis=1)

    p = jax.nn.sigmoid(patches)
    both, each = by_class(p * labels), by_class(p) + by_class(labels)
    dice = overlap.dice_of_areas(both, each, smoothing=DICE_SMOOTHING)
    pixels = logits.shape[1] * logits.shape[2]
    entropy = by_class(binary.cross_entropy(patches, labels)) / pixels
    shares = jnp.full((classes,), 1.0 / classes, jnp.float32)
    return _over_known(dice + entropy, known, shares)


def _patches(maps: Float[Array, "b h w m"]) -> Float[Array, "b n c"]:
    """Pixels in another order, with many channels innermost, class by class.

    That of the decoder's pixel shuffle, which XLA then leaves out: a loss over an
    innermost axis of a few classes takes nine times as long on a CPU.
    """
    b, h, w, m = maps.shape
    factor = math.gcd(math.gcd(h, w), 4)
    return pixel_shuffle.space_to_depth(maps, factor).reshape(b, -1, m * factor**2)
