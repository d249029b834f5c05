"""Outputs become ball, masks and poses: fixed shapes, on the device, no host between.

Where fields of points peak (`candidates`, or `dense` to the letter), how pixels and
points find their players (`assign`), and which players count.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ttjax.deepsportlab import assign, candidates, dense, mask_ball
from ttjax.deepsportlab.arrays import Inputs, Outputs, Overflow, Predictions
from ttjax.deepsportlab.decoder import Decoder
from ttjax.scenes import JOINTS

BEST_COUNT, BEST_WEIGHT = 3, 3.0
"""The best three points of a player weigh three times as much in its score."""


class _Geometry(NamedTuple):
    """Static sizes: of the picture in px, and the strides of fields and maps."""

    image_hw: tuple[int, int]
    field_stride: float
    map_stride: float


class _Kinds(NamedTuple):
    """Which kinds of points there are fields of, in this order."""

    parts: int
    centre: bool
    ball: bool


class _Arrays(NamedTuple):
    """What is decoded; per field confidence, vector and log scale."""

    fields: tuple[tuple[Any, ...], ...]
    semantic: Any
    offset: Any
    heat: Any
    valid_hw: Any


class _Picture(NamedTuple):
    """`Predictions` of one picture, in px of the network's input."""

    ids: Array | None
    present: Bool[Array, "*b n"]
    score: Float[Array, "*b n"]
    centre_px: Float[Array, "*b n 2"]
    area_px: Float[Array, "*b n"]
    joints_px: Float[Array, "*b n k 2"]
    joint_score: Float[Array, "*b n k"]
    ball_px: Float[Array, "*b 2"]
    ball_score: Float[Array, "*b"]
    cells_overflow: Bool[Array, "*b"]
    players_overflow: Bool[Array, "*b"]


Found = tuple[candidates.Candidates, Float[Array, "f h w"] | None]
"""Places of every kind of point, and the maps that they were found in."""


def predictions(
    outputs: Outputs, inputs: Inputs, decoder: Decoder = Decoder()
) -> Predictions:
    """What is in each picture of a batch, in source px.

    Without offsets or centres there are no players and no ids; without parts no joints.
    The ball is that of its field, or of the masks where only they know one.
    """
    return _batch(outputs, inputs, decoder, _sparse)


def dense_predictions(
    outputs: Outputs, inputs: Inputs, decoder: Decoder = Decoder()
) -> Predictions:
    """The same from maps of the picture's resolution: slow, and to the letter.

    Peaks are whole pixels, and `shifts` plays no part.
    """
    return _batch(outputs, inputs, decoder, _dense)


def player_score(
    centre: Float[Array, " n"], joints: Float[Array, "n k"]
) -> Float[Array, " n"]:
    """Weighted mean of a player's scores; joints that were not found count as 0."""
    scores = jnp.concatenate([centre[:, None], joints], axis=1)
    best = min(BEST_COUNT, scores.shape[1])
    more = (BEST_WEIGHT - 1.0) * jax.lax.top_k(scores, best)[0].sum(axis=1)
    weights = scores.shape[1] + (BEST_WEIGHT - 1.0) * best
    return (scores.sum(axis=1) + more) / weights


def _sparse(of: candidates.Votes, image_hw: tuple[int, int], by: Decoder) -> Found:
    found = candidates.find(
        of,
        density=by.splat,
        count=by.queries,
        nms_radius_px=by.nms_radius_px,
        shifts=by.shifts,
    )
    return found, None


def _dense(of: candidates.Votes, image_hw: tuple[int, int], by: Decoder) -> Found:
    maps = dense.maps(of, image_hw, density=by.splat)
    found = dense.peaks(
        maps,
        count=by.queries,
        nms_radius_px=by.nms_radius_px,
        threshold=min(by.centre_threshold, by.joint_threshold),
    )
    beyond = dense.beyond_reach(of, density=by.splat)
    return dataclasses.replace(found, overflow=found.overflow | beyond), maps


def _batch(
    outputs: Outputs,
    inputs: Inputs,
    decoder: Decoder,
    find: Callable[[candidates.Votes, tuple[int, int], Decoder], Found],
) -> Predictions:
    image_hw = (inputs.image.shape[1], inputs.image.shape[2])
    arrays = _Arrays(
        fields=tuple(
            (pif.confidence, pif.vector, pif.log_scale)
            for pif in (outputs.parts, outputs.centre, outputs.ball)
            if pif is not None
        ),
        semantic=outputs.semantic,
        offset=outputs.offset,
        heat=outputs.centre_heat,
        valid_hw=inputs.valid_hw,
    )
    maps = (outputs.semantic, outputs.offset, outputs.centre_heat)
    geometry = _Geometry(
        image_hw=image_hw,
        field_stride=_stride(image_hw, [f[0].shape for f in arrays.fields]),
        map_stride=_stride(image_hw, [m.shape for m in maps if m is not None]),
    )
    kinds = _Kinds(
        parts=0 if outputs.parts is None else outputs.parts.confidence.shape[-1],
        centre=outputs.centre is not None,
        ball=outputs.ball is not None,
    )
    decode = functools.partial(
        _picture, kinds=kinds, geometry=geometry, decoder=decoder, find=find
    )
    found = jax.vmap(decode)(jax.tree.map(jnp.asarray, arrays))
    to_source = jnp.asarray(inputs.to_source)
    return Predictions(
        ids=found.ids,
        present=found.present,
        score=found.score,
        centre_px=found.centre_px * to_source[:, None],
        area_px=found.area_px * jnp.prod(to_source, axis=1, keepdims=True),
        joints_px=found.joints_px * to_source[:, None, None],
        joint_score=found.joint_score,
        ball_px=found.ball_px * to_source,
        ball_score=found.ball_score,
        overflow=Overflow(cells=found.cells_overflow, players=found.players_overflow),
        to_source=to_source * (1.0 if found.ids is None else geometry.map_stride),
    )


def _picture(
    arrays: _Arrays,
    *,
    kinds: _Kinds,
    geometry: _Geometry,
    decoder: Decoder,
    find: Callable[[candidates.Votes, tuple[int, int], Decoder], Found],
) -> _Picture:
    """One picture, in px of the network's input."""
    none = jnp.array(False)
    places, maps, crowded = None, None, none
    if arrays.fields:
        # All kinds of points at once: many small operations cost more than a few.
        votes = candidates.votes(
            *(
                jnp.concatenate([field[part] for field in arrays.fields], axis=2)
                for part in range(3)
            ),
            stride=geometry.field_stride,
            density=decoder.splat,
            threshold=decoder.cell_threshold,
            count=decoder.sources,
        )
        places, maps = find(votes, geometry.image_hw, decoder)
        crowded = votes.overflow | places.overflow
    ball_px, ball_score = _ball(arrays, places, kinds, geometry)
    n = decoder.players
    picture = _Picture(
        ids=None,
        present=jnp.zeros((n,), jnp.bool_),
        score=jnp.zeros((n,)),
        centre_px=jnp.zeros((n, 2)),
        area_px=jnp.zeros((n,)),
        joints_px=jnp.zeros((n, len(JOINTS), 2)),
        joint_score=jnp.zeros((n, len(JOINTS))),
        ball_px=ball_px,
        ball_score=ball_score,
        cells_overflow=crowded,
        players_overflow=none,
    )
    centres = _centres(arrays, places, kinds, geometry, decoder)
    if centres is None or arrays.semantic is None or arrays.offset is None:
        return picture
    pixels = assign.pixels(
        arrays.semantic,
        arrays.offset,
        centres,
        arrays.valid_hw,
        stride=geometry.map_stride,
        max_distance_px=decoder.max_distance_px,
    )
    area_px = assign.areas(pixels, players=n) * geometry.map_stride**2
    present = centres.present & (area_px >= decoder.min_area_px)
    joints_px, joint_score = picture.joints_px, picture.joint_score
    if places is not None and kinds.parts:
        joints_px, joint_score = _joints(
            places.kinds(0, kinds.parts),
            None if maps is None else maps[: kinds.parts],
            pixels,
            centres,
            area_px,
            geometry,
            decoder,
        )
        found = (joint_score > 0.0).sum(axis=1)
        present = present & (found + 1 >= decoder.min_joints)
        joint_score = jnp.where(present[:, None], joint_score, 0.0)
        score = player_score(centres.score, joint_score)
    else:
        score = centres.score
    mine = pixels.visible & present[jnp.maximum(pixels.player, 0)]
    centre_px = jnp.stack([centres.x_px, centres.y_px], axis=1)
    return picture._replace(
        ids=jnp.where(mine, pixels.player + 1, 0).astype(jnp.uint8),
        present=present,
        score=jnp.where(present, score, 0.0),
        centre_px=jnp.where(present[:, None], centre_px, 0.0),
        area_px=jnp.where(present, area_px, 0.0),
        joints_px=jnp.where((joint_score > 0.0)[..., None], joints_px, 0.0),
        joint_score=joint_score,
        players_overflow=centres.overflow,
    )


def _joints(
    peaks: candidates.Candidates,
    maps: Float[Array, "f h w"] | None,
    pixels: assign.Pixels,
    centres: assign.Centres,
    area_px: Float[Array, " n"],
    geometry: _Geometry,
    decoder: Decoder,
) -> tuple[Float[Array, "n f 2"], Float[Array, "n f"]]:
    """Each row's joints and their scores, 0 where one was not found."""
    stride, n = geometry.map_stride, decoder.players
    mask = None
    if maps is not None:
        mask = assign.enlarged(pixels, geometry.image_hw, stride=stride)
    places = decoder.grouping.places(peaks, maps, mask, players=n)
    player, visible = assign.at_places(pixels, places, stride=stride)
    passes = places.score > decoder.joint_threshold
    places = dataclasses.replace(
        places, score=jnp.where(passes, places.score, 0.0), peak=places.peak & passes
    )
    return decoder.grouping.choose(places, player, visible, centres, area_px)


def _centres(
    arrays: _Arrays,
    places: candidates.Candidates | None,
    kinds: _Kinds,
    geometry: _Geometry,
    decoder: Decoder,
) -> assign.Centres | None:
    if places is not None and kinds.centre:
        return assign.centres(
            places.kinds(kinds.parts, 1),
            players=decoder.players,
            threshold=decoder.centre_threshold,
        )
    if arrays.heat is None:
        return None
    return assign.heat_centres(
        arrays.heat[..., 0],
        stride=geometry.map_stride,
        players=decoder.players,
        threshold=decoder.centre_threshold,
    )


def _ball(
    arrays: _Arrays,
    places: candidates.Candidates | None,
    kinds: _Kinds,
    geometry: _Geometry,
) -> tuple[Float[Array, " 2"], Float[Array, ""]]:
    """The best candidate, whatever its score: of the field, else of the masks."""
    if places is not None and kinds.ball:
        of_ball = places.kinds(kinds.parts + kinds.centre, 1)
        best = jnp.argmax(of_ball.score[0])
        xy = jnp.stack([of_ball.x_px[0, best], of_ball.y_px[0, best]])
        return xy, of_ball.score[0, best]
    semantic = arrays.semantic
    # Classes are background, player, ball without those that the network lacks.
    if semantic is not None and (arrays.offset is None or semantic.shape[-1] > 2):
        return mask_ball.surest(semantic, arrays.valid_hw, stride=geometry.map_stride)
    return jnp.zeros((2,)), jnp.array(0.0)


def _stride(image_hw: tuple[int, int], shapes: list[tuple[int, ...]]) -> float:
    """Px per cell of aligned corners, which all of one kind have in common.

    Raises:
        ValueError: the shapes, of batches, differ, or the axes' strides do.
    """
    sizes = {shape[1:3] for shape in shapes}
    if not sizes:
        return 1.0
    if len(sizes) > 1:
        raise ValueError(
            f"Heads that are decoded together share a grid, got {sorted(sizes)}: "
            "give all outputs of one network."
        )
    ((h, w),) = sizes
    strides = {
        (size - 1) / (cells - 1)
        for size, cells in zip(image_hw, (h, w), strict=True)
        if cells > 1
    }
    if len(strides) > 1:
        raise ValueError(
            f"A grid has one stride, got {h}x{w} cells for a picture of "
            f"{image_hw[0]}x{image_hw[1]}: sizes are multiples of the stride plus 1."
        )
    return strides.pop() if strides else 1.0
