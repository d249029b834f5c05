"""A decoder in loops: what the one on the device must agree with.

From the paper's equations and in float64; it shares nothing with the code but configs.
"""

import math

import numpy as np


def votes(pif, kind, *, stride, threshold):
    """Confidence, x, y and scale, in px, of the cells of one kind that vote."""
    found = []
    confidence = np.asarray(pif.confidence[0, :, :, kind], np.float64)
    for i, j in np.ndindex(confidence.shape):
        sure = 1.0 / (1.0 + math.exp(-confidence[i, j]))
        if sure > threshold:
            dx, dy = np.asarray(pif.vector[0, i, j, kind], np.float64)
            scale = math.exp(float(pif.log_scale[0, i, j, kind]))
            x, y = (j + dx) * stride + 0.5, (i + dy) * stride + 0.5
            found.append((sure, x, y, scale * stride))
    return found


def density(voted, x, y, splat):
    """S at one place or at many."""
    total = np.zeros(np.shape(x))
    for sure, vx, vy, scale in voted:
        sigma = max(splat.sigma_floor_px, 0.5 * scale)
        squared = (x - vx) ** 2 + (y - vy) ** 2
        value = sure * np.exp(-0.5 * squared / sigma**2) / splat.normaliser
        if splat.truncate_sigma is not None:
            value = np.where(
                np.sqrt(squared) <= splat.truncate_sigma * sigma, value, 0.0
            )
        total += value
    return total


def density_map(voted, image_hw, splat):
    y, x = np.mgrid[: image_hw[0], : image_hw[1]] + 0.5
    return density(voted, x, y, splat)


def peaks(values, *, radius_px, threshold):
    """Score, x, y of pixels above the threshold that none within the radius exceeds."""
    h, w = values.shape
    reach = math.floor(radius_px)
    found = []
    for i, j in np.argwhere(values > threshold):
        best = True
        for u in range(max(i - reach, 0), min(i + reach + 1, h)):
            for v in range(max(j - reach, 0), min(j + reach + 1, w)):
                near = (u - i) ** 2 + (v - j) ** 2 <= radius_px**2
                first = (u, v) < (i, j)
                higher = values[u, v] > values[i, j]
                equal = values[u, v] == values[i, j] and first
                best = best and not (near and (higher or equal))
        if best:
            found.append((values[i, j], j + 0.5, i + 0.5))
    return sorted(found, reverse=True)


def nearest(offset, centres, *, stride):
    """Index of the centre that each pixel votes for (Eq. 4)."""
    h, w = offset.shape[:2]
    group = np.full((h, w), -1)
    for i, j in np.ndindex(h, w):
        y = i * stride + 0.5 + float(offset[i, j, 0]) * stride
        x = j * stride + 0.5 + float(offset[i, j, 1]) * stride
        least = math.inf
        for index, (_, cx, cy) in enumerate(centres):
            squared = (x - cx) ** 2 + (y - cy) ** 2
            if squared < least:
                least, group[i, j] = squared, index
    return group


def uniform(values, x, y, stride):
    """Whether all pixels of a map about a place have one value."""
    i, j = at(y, values.shape[0], stride), at(x, values.shape[1], stride)
    return len(np.unique(values[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2])) == 1


def at(px, size, stride):
    return min(max(math.floor((px - 0.5) / stride + 0.5), 0), size - 1)


def decode(outputs, decoder, *, image_hw, in_masks):
    """Players {centre, area, joints: {kind: (score, x, y)}}, ids, group, and the ball.

    in_masks: joints are the highest pixels of their kind in masks, not peaks; then
        `slopes` of a player are kinds of which that pixel is no peak: on the border of
        the mask, below a peak in another.
    """
    stride = (image_hw[0] - 1) / (outputs.parts.confidence.shape[1] - 1)
    step = (image_hw[0] - 1) / (outputs.semantic.shape[1] - 1)

    def drawn(pif, kind):
        voted = votes(pif, kind, stride=stride, threshold=decoder.cell_threshold)
        return density_map(voted, image_hw, decoder.splat)

    def peaks_of(values, threshold):
        return peaks(values, radius_px=decoder.nms_radius_px, threshold=threshold)

    centres = peaks_of(drawn(outputs.centre, 0), decoder.centre_threshold)
    group = nearest(outputs.offset[0], centres, stride=step)
    player = outputs.semantic[0].argmax(-1) == 1
    ids = np.where(player & (group >= 0), group + 1, 0)
    rows = [
        {
            "centre": c,
            "area": (ids == n + 1).sum() * step**2,
            "joints": {},
            "slopes": set(),
        }
        for n, c in enumerate(centres)
    ]
    for kind in range(outputs.parts.confidence.shape[-1]):
        values = drawn(outputs.parts, kind)
        places = tops = peaks_of(values, decoder.joint_threshold)
        if in_masks:
            places = [
                (values[i, j], j + 0.5, i + 0.5)
                for i, j in np.argwhere(values > decoder.joint_threshold)
            ]
        for score, x, y in sorted(places, reverse=True):
            i, j = at(y, ids.shape[0], step), at(x, ids.shape[1], step)
            row = ids[i, j] - 1 if in_masks else group[i, j]
            if row >= 0 and kind not in rows[row]["joints"]:
                rows[row]["joints"][kind] = (score, x, y)
                if (score, x, y) not in tops:
                    rows[row]["slopes"].add(kind)
    kept = [
        row["area"] >= decoder.min_area_px
        and len(row["joints"]) + 1 >= decoder.min_joints
        for row in rows
    ]
    ids = np.where(np.isin(ids, [n + 1 for n, k in enumerate(kept) if k]), ids, 0)
    ball = drawn(outputs.ball, 0)
    i, j = np.unravel_index(ball.argmax(), ball.shape)
    return rows, kept, ids, group, (ball[i, j], j + 0.5, i + 0.5)
