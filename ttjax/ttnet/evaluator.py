"""The metrics of section 6.2, and those that say more, from windows in time order."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ttjax.metrics.intervals import Score
from ttjax.samples import VISIBLE, Labels, Window
from ttjax.ttnet import scores, targets
from ttjax.ttnet.arrays import Predictions

PCK_PX = (1, 2, 5, 10)
"""Source px."""

TOLERANCES = (1, 2, 4)
"""Frames."""

STAGES = ("ball_global", "ball_local")


@dataclasses.dataclass
class Evaluator:
    """Scores predictions by the labels of the same windows, clip by clip.

    events, masks: names, in the order of the outputs.
    event_threshold, event_gap: how peaks in time are picked (`fields.peaks`).

    Readings of section 6.2: distances are in source px; the truth of presence is the
    frame's for both stages; RMSE is over true positives; a PCE or SPCE window is right
    only if all its outputs are; IoU is the sum of intersections over the sum of unions
    of a class, then the mean over classes. Unknown labels are ignored everywhere.
    Windows must come from whole frames: crops around labels would leak the answer.
    """

    window: Window
    events: tuple[str, ...]
    masks: tuple[str, ...]
    event_threshold: float = 0.5
    event_gap: int = 8
    _parts: dict[str, list[dict[str, np.ndarray]]] = dataclasses.field(
        default_factory=dict, repr=False
    )
    _pixels: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    def add(self, predictions: Predictions, labels: Labels, *, clip: str) -> None:
        """Adds consecutive windows of `clip`, one frame apart, in time order.

        Raises:
            ValueError: another number of predictions than of labels.
        """
        guess: Any = jax.tree.map(np.asarray, predictions)
        truth: Any = jax.tree.map(np.asarray, labels)
        count = len(truth.ball_state)
        sizes = {len(leaf) for leaf in jax.tree.leaves(guess)}
        if sizes != {count}:
            raise ValueError(
                f"Every window needs a prediction and a label, got {sorted(sizes)} "
                f"predictions for {count} labels of {clip!r}: add both batch by batch."
            )
        truth_xy = truth.ball_xy_px[:, self.window.ball_at].astype(np.float64)
        state = truth.ball_state[:, self.window.ball_at]
        size_wh = guess.source_hw[:, ::-1]
        in_frame = ((truth_xy >= 0) & (truth_xy < size_wh)).all(axis=1)
        part = {
            "source_hw": guess.source_hw,
            "truth_xy": truth_xy,
            "visible": (state == VISIBLE) & in_frame,
            "ball_known": state >= 0,
        }
        for stage in STAGES:
            ball = getattr(guess, stage)
            if ball is not None:
                part[f"{stage}/xy"] = ball.xy_px.astype(np.float64)
                part[f"{stage}/present"] = ball.present
        if guess.events is not None:
            soft = targets.event_targets(jnp.asarray(truth.event_offset))
            part["events"] = guess.events.astype(np.float64)
            part["event_truth"] = np.asarray(soft, np.float64)
            part["event_here"] = truth.event_offset == 0
            part["event_known"] = truth.event_known
        if guess.masks is not None:
            known = truth.masks_known[:, None, None]
            masks = (truth.masks > 0) & known
            guessed = (guess.masks >= 0.5) & known
            part["both"] = (masks & guessed).sum(axis=(1, 2))
            part["either"] = (masks | guessed).sum(axis=(1, 2))
            part["masks_known"] = truth.masks_known
            for index, name in enumerate(self.masks):
                total = masks[..., index].sum(axis=0).astype(np.float64)
                self._pixels[name] = self._pixels.get(name, 0.0) + total
        self._parts.setdefault(clip, []).append(part)

    def merge(self, other: "Evaluator") -> "Evaluator":
        """The evaluator of both sets of clips; clips of one name follow one another."""
        parts = {clip: list(found) for clip, found in self._parts.items()}
        for clip, found in other._parts.items():
            parts.setdefault(clip, []).extend(found)
        pixels = dict(self._pixels)
        for name, total in other._pixels.items():
            pixels[name] = pixels.get(name, 0.0) + total
        return dataclasses.replace(self, _parts=parts, _pixels=pixels)

    def table(self) -> dict[str, dict[str, float]]:
        """`{metric: {"value", "n", "baseline", "low", "high"}}`.

        Metrics without a sample are left out, and so are fields that make no sense: the
        baseline is the score of the best constant predictor (of positions: the median),
        low and high bound the 95 % interval over clips, from three clips on.
        """
        return {name: score.entry() for name, score in self._scores().items()}

    def rows(self) -> list[dict[str, Any]]:
        """The table as a list of `{"metric": name, "value": …}`, for printing."""
        return [{"metric": name, **entry} for name, entry in self.table().items()]

    def _scores(self) -> Mapping[str, Score]:
        if not self._parts:
            return {}
        found: dict[str, Score] = {}
        flat = _Flat(self._parts)
        for stage in STAGES:
            if f"{stage}/xy" in flat.arrays:
                for name, score in _ball_scores(flat, stage).items():
                    found[f"{stage}/{name}"] = score
        if "events" in flat.arrays:
            found |= self._event_scores(flat)
        if "both" in flat.arrays:
            found |= self._mask_scores(flat)
        return {
            name: score for name, score in (found | _sizes(flat)).items() if score.n
        }

    def _event_scores(self, flat: "_Flat") -> dict[str, Score]:
        truth, predicted = flat.arrays["event_truth"], flat.arrays["events"]
        known = np.logical_and.reduce(flat.arrays["event_known"], axis=1)
        n = int(known.sum())
        if not n:
            return {}
        same = np.logical_and.reduce((predicted >= 0.5) == (truth >= 0.5), axis=1)
        close = np.logical_and.reduce(np.abs(predicted - truth) < 0.25, axis=1)
        some = np.logical_or.reduce(truth > 0, axis=1)
        per_clip = flat.sums(known)
        found = {
            "events/pce": scores.ratio(
                flat.sums(same & known),
                per_clip,
                n=n,
                baseline=scores.constant_pce(truth[known]),
            ),
            "events/spce": scores.ratio(
                flat.sums(close & known),
                per_clip,
                n=n,
                baseline=scores.constant_spce(truth[known]),
            ),
            "windows/with_event": Score(float((some & known).sum() / n), n),
        }
        for kind, name in enumerate(self.events):
            for tolerance in TOLERANCES:
                rows = self._spotting(flat, kind, tolerance)
                found |= {f"events/{name}/{row}": value for row, value in rows.items()}
        return found

    def _spotting(self, flat: "_Flat", kind: int, tolerance: int) -> dict[str, Score]:
        """Precision, recall and F1 of one kind; the baseline always says yes."""

        def counts(series: np.ndarray) -> np.ndarray:
            return np.array(
                [
                    scores.event_counts(
                        series[part],
                        flat.arrays["event_here"][part, kind],
                        flat.arrays["event_known"][part, kind],
                        tolerance=tolerance,
                        threshold=self.event_threshold,
                        gap=self.event_gap,
                    )
                    for part in flat.slices
                ],
                np.float64,
            )

        found, predicted, true = counts(flat.arrays["events"][:, kind]).T
        always = counts(np.ones(len(flat.clip))).sum(axis=0)
        n = int(true.sum())
        rows = {
            "precision": (found, predicted, always[0], always[1]),
            "recall": (found, true, always[0], always[2]),
            "f1": (2 * found, predicted + true, 2 * always[0], always[1] + always[2]),
        }
        return {
            f"{name}@{tolerance}": scores.ratio(
                top, bottom, n=n, baseline=float(best / max(all_of, 1.0))
            )
            for name, (top, bottom, best, all_of) in rows.items()
            if n and bottom.sum()
        }

    def _mask_scores(self, flat: "_Flat") -> dict[str, Score]:
        both, either = flat.sums(flat.arrays["both"]), flat.sums(flat.arrays["either"])
        frames = flat.arrays["masks_known"].sum(axis=0)
        found, baselines = {}, []
        for index, name in enumerate(self.masks):
            if not either[:, index].sum():
                continue
            baseline = scores.constant_iou(self._pixels[name], int(frames[index]))
            baselines.append(baseline)
            found[f"masks/{name}/iou"] = scores.ratio(
                both[:, index],
                either[:, index],
                n=int(frames[index]),
                baseline=baseline,
            )
        if not found:
            return {}
        mean = scores.ratio(
            both, either, n=int(frames.max()), baseline=float(np.mean(baselines))
        )
        return {"masks/iou": mean, **found}


class _Flat:
    """The windows of all clips in one row; `slices` says where each clip lies."""

    def __init__(self, parts: Mapping[str, list[dict[str, np.ndarray]]]):
        every = [part for found in parts.values() for part in found]
        self.arrays = {
            name: np.concatenate([part[name] for part in every]) for name in every[0]
        }
        lengths = [
            sum(len(part["visible"]) for part in found) for found in parts.values()
        ]
        stops = np.cumsum(lengths)
        self.slices = [
            slice(stop - length, stop)
            for stop, length in zip(stops, lengths, strict=True)
        ]
        self.clip = np.repeat(np.arange(len(lengths)), lengths)

    def sums(self, values: np.ndarray) -> Float[np.ndarray, "clips *m"]:
        """The sum over the windows of each clip."""
        return np.array([values[part].sum(axis=0) for part in self.slices], np.float64)


def _ball_scores(flat: _Flat, stage: str) -> dict[str, Score]:
    """One stage's rows."""
    truth_xy, visible = flat.arrays["truth_xy"], flat.arrays["visible"]
    known = flat.arrays["ball_known"]
    present = flat.arrays[f"{stage}/present"]
    distance = np.linalg.norm(flat.arrays[f"{stage}/xy"] - truth_xy, axis=1)
    seen, ball_less = int(visible.sum()), known & ~visible
    found = {}
    if seen:
        middle = np.median(truth_xy[visible], axis=0)
        constant = np.linalg.norm(truth_xy - middle, axis=1)[visible]
        hit, per_clip = visible & present, flat.sums(visible)
        square = np.where(visible, distance, 0.0) ** 2
        root = float(np.sqrt(np.mean(constant**2)))
        found["rmse_px"] = scores.ratio(
            flat.sums(square * hit),
            flat.sums(hit),
            n=int(hit.sum()),
            baseline=root,
            root=True,
        )
        found["rmse_all_px"] = scores.ratio(
            flat.sums(square), per_clip, n=seen, baseline=root, root=True
        )
        found["median_px"] = scores.median(
            distance[visible],
            flat.clip[visible],
            clips=len(flat.slices),
            baseline=float(np.median(constant)),
        )
        for px in PCK_PX:
            found[f"pck@{px}"] = scores.ratio(
                flat.sums((distance <= px) & visible),
                per_clip,
                n=seen,
                baseline=float(np.mean(constant <= px)),
            )
    if known.any():
        share = seen / int(known.sum())
        found["presence"] = scores.ratio(
            flat.sums((present == visible) & known),
            flat.sums(known),
            n=int(known.sum()),
            baseline=max(share, 1.0 - share),
        )
        found["false_presence"] = scores.ratio(
            flat.sums(present & ball_less),
            flat.sums(ball_less),
            n=int(ball_less.sum()),
            baseline=float(share >= 0.5),
        )
    return found


def _sizes(flat: _Flat) -> dict[str, Score]:
    """Which share of the windows has which source size."""
    sizes, counts = np.unique(flat.arrays["source_hw"], axis=0, return_counts=True)
    total = int(counts.sum())
    return {
        f"windows/{w}x{h}": Score(float(count / total), total)
        for (h, w), count in zip(sizes, counts, strict=True)
    }
