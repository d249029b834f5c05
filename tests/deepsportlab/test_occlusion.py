import json

import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax.deepsportlab import occlusion, scores
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.occlusion import Occlusion, OcclusionRecord

RNG = np.random.default_rng(0)


def flooded(mask):
    """Pieces of a mask, filled pixel by pixel."""
    pieces, count = np.zeros(mask.shape, int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if pieces[start]:
            continue
        count += 1
        pieces[start], waiting = count, [start]
        while waiting:
            y, x = waiting.pop()
            for dy, dx in np.ndindex(3, 3):
                at = (y + dy - 1, x + dx - 1)
                inside = 0 <= at[0] < mask.shape[0] and 0 <= at[1] < mask.shape[1]
                if inside and mask[at] and not pieces[at]:
                    pieces[at] = count
                    waiting.append(at)
    return pieces


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5])
def test_components_touch_at_corners(share):
    mask = RNG.uniform(size=(20, 30)) < share
    got, want = occlusion.components(mask), flooded(mask)
    pairs = {*zip(got.ravel().tolist(), want.ravel().tolist(), strict=True)}
    assert len(pairs) == got.max() + 1 == want.max() + 1
    assert (0, 0) in pairs
    detached = occlusion.detached(mask)
    sizes = np.bincount(want.ravel())[1:]
    assert detached.sum() == sizes.sum() - sizes.max()
    assert not (detached & ~mask).any()


def test_a_mask_in_one_piece_has_nothing_detached():
    mask = np.zeros((5, 6), np.bool_)
    assert not occlusion.detached(mask).any()
    mask[1:3, 2:5] = True
    assert not occlusion.detached(mask).any()
    mask[4, 0] = True
    assert occlusion.detached(mask).sum() == 1


def pair(true, guess):
    return Comparison(pictures.truth(true, players=2), pictures.guess(guess, players=2))


def cut():
    """Player 1 in front of player 2, whose legs are cut off from the rest."""
    ids = np.zeros((12, 10), np.uint8)
    ids[0:7, 2:6] = 2
    ids[7:9, 0:10] = 1
    ids[9:11, 2:6] = 2
    return ids


def test_the_metric_by_hand():
    true = cut()
    same = Occlusion().record(pair(true, true))
    assert same == OcclusionRecord(players=1, matched=1, pixels=8, recalled=8)
    half = true.copy()
    half[10] = 0
    got = Occlusion().record(pair(true, half))
    assert got == OcclusionRecord(players=1, matched=1, pixels=8, recalled=4)
    lost = np.where(true == 2, 0, true).astype(np.uint8)
    none = Occlusion().record(pair(true, lost))
    assert none == OcclusionRecord(players=1, matched=0, pixels=0, recalled=0)
    table = scores.entries(Occlusion().statistics([got, none, None]), 3)
    assert table["occlusion/OIR"]["value"] == 0.5
    assert table["occlusion/DPR"]["value"] == 0.5
    assert table["occlusion/OM"]["value"] == 0.25
    assert table["occlusion/OM"]["n"] == 2


def test_nobody_found_scores_zero_and_nobody_in_pieces_scores_nothing():
    lost = OcclusionRecord(3, 0, 0, 0)
    table = scores.entries(Occlusion().statistics([lost]), 1)
    assert table["occlusion/OM"]["value"] == 0.0
    assert "occlusion/DPR" not in table
    whole = Occlusion().record(
        pair(np.eye(2, dtype=np.uint8), np.eye(2, dtype=np.uint8))
    )
    assert whole == OcclusionRecord(0, 0, 0, 0)
    assert scores.entries(Occlusion().statistics([whole]), 1) == {}
    blind = Comparison(pictures.truth(None), pictures.guess(None))
    assert Occlusion().record(blind) is None


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_players_in_pieces_of_deepsport(real_data):
    rle = pytest.importorskip("pycocotools.mask")
    folder = real_data / "deepsport_annotations" / "instance_segmentation"
    content = json.loads((folder / "test.json").read_text())
    image = content["images"][5]
    known = [a for a in content["annotations"] if a["image_id"] == image["id"]]
    ids = np.zeros((image["height"], image["width"]), np.uint8)
    for row, one in enumerate(known):
        ids[rle.decode(one["segmentation"]) > 0] = row + 1
    several = [flooded(one).max() > 1 for one in masks_of(ids[::2, ::2], len(known))]
    got = Occlusion().record(
        Comparison(
            pictures.truth(ids[::2, ::2], players=len(known)),
            pictures.guess(ids[::2, ::2], players=len(known)),
        )
    )
    assert got is not None
    assert got.players == got.matched == sum(several) > 0
    assert got.recalled == got.pixels > 0


def masks_of(ids, players):
    for row in range(players):
        y, x = np.nonzero(ids == row + 1)
        yield ids[y.min() : y.max() + 1, x.min() : x.max() + 1] == row + 1
