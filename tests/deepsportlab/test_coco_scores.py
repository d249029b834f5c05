import dataclasses
import json

import numpy as np
import pytest

from tests.deepsportlab import pictures
from ttjax.deepsportlab import coco_scores, poses, scores
from ttjax.deepsportlab.comparison import Comparison
from ttjax.deepsportlab.mask_precision import MaskPrecision
from ttjax.deepsportlab.profiles import Joints, joint_oks

pytest.importorskip("pycocotools")

NAMES = ("AP", "AP50", "AP75", "AR")


def table(measure, pairs):
    records = [measure.record(one) for one in pairs]
    return scores.entries(measure.statistics(records), len(records))


def enlarged(pair, by):
    """The same picture, its maps at a pixel for `by` source px."""
    truth, guess = pair.truth, pair.guess
    return Comparison(
        dataclasses.replace(
            truth,
            box_px=by * truth.box_px,
            joints_px=by * truth.joints_px,
            to_source=(by, by),
        ),
        dataclasses.replace(
            guess,
            centre_px=by * guess.centre_px,
            joints_px=by * guess.joints_px,
            to_source=(by, by),
        ),
    )


def same_by_size(got, want, prefix):
    """Medium and large as pycocotools has it, which says -1 where there is nobody."""
    for name in ("APm", "APl"):
        one = got.get(f"{prefix}/{name}", {"value": -1.0})["value"]
        np.testing.assert_allclose(one, want[name], atol=1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(4))
def test_ap_of_medium_and_large_people_is_that_of_pycocotools(seed):
    """Areas of most are about 96^2 px: some are medium, some large, many a pose too."""
    rng = np.random.default_rng(seed)
    pairs = [enlarged(pictures.pair(rng, noise=0.7), 7.0) for _ in range(15)]
    for measure, evaluation, prefix in (
        (Joints(), coco_scores.keypoints, "joints"),
        (MaskPrecision(), coco_scores.masks, "masks"),
    ):
        got, want = table(measure, pairs), evaluation(pairs)
        same_by_size(got, want, prefix)
        np.testing.assert_allclose(got[f"{prefix}/AP"]["value"], want["AP"], atol=1e-9)
        assert want["APm"] != want["APl"]
        assert max(want["APm"], want["APl"]) > 0
        sizes = [got[f"{prefix}/{name}"]["n"] for name in ("APm", "APl")]
        assert min(sizes) > 2
        small = got[f"{prefix}/AP"]["n"] - sum(sizes)
        assert small >= 0


def test_the_truth_itself_is_perfect():
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 50, (3, 17, 2))
    ids = np.zeros((20, 20), np.uint8)
    ids[2:9, 2:9], ids[2:9, 10:18], ids[10:18, 3:18] = 1, 2, 3
    pair = Comparison(
        pictures.truth(ids, joints=joints), pictures.guess(ids, joints=joints)
    )
    for evaluation in (coco_scores.keypoints, coco_scores.masks):
        got = evaluation([pair])
        np.testing.assert_allclose([got[name] for name in NAMES], 1.0)


def test_pictures_without_guesses_truths_or_labels():
    nobody = Comparison(pictures.truth(joints_known=True), pictures.guess())
    alone = Comparison(
        pictures.truth(joints=np.ones((1, 17, 2))), pictures.guess(players=0)
    )
    unknown = Comparison(pictures.truth(None), pictures.guess(None))
    assert coco_scores.keypoints([nobody])["AP"] == -1
    assert coco_scores.keypoints([alone, unknown])["AP"] == 0
    assert coco_scores.masks([unknown])["AP"] == -1


def test_pycocotools_agrees_on_every_similarity(monkeypatch: pytest.MonkeyPatch):
    from pycocotools.cocoeval import COCOeval

    seen = []
    plain = COCOeval.computeOks

    def spied(self, image, category):
        found = plain(self, image, category)
        seen.append((image, found))
        return found

    monkeypatch.setattr(COCOeval, "computeOks", spied)
    rng = np.random.default_rng(3)
    pairs = [pictures.pair(rng) for _ in range(20)]
    coco_scores.keypoints(pairs)
    compared = 0
    for image, found in seen:
        pair = pairs[image - 1]
        rows = np.flatnonzero(pair.truth.players | pair.truth.crowd)
        # COCO has no joint that was not found: people without a labelled joint are
        # compared to where it was put.
        rows_seen = (pair.truth.joint_state[rows] > 0).any(axis=1)
        order = np.argsort(-pair.guess.score, kind="stable")
        want = joint_oks(pair)[np.ix_(order, rows)]
        got = np.asarray(found)[:, rows_seen]
        np.testing.assert_allclose(got, want[:, rows_seen], atol=1e-9)
        compared += got.size
    assert compared > 100


@pytest.mark.parametrize("seed", range(6))
def test_ap_and_ar_of_joints_are_those_of_pycocotools(seed):
    rng = np.random.default_rng(seed)
    noise = (0.4, 0.7, 1.0)[seed % 3]
    pairs = [pictures.pair(rng, noise=noise) for _ in range(15)]
    got, want = table(Joints(), pairs), coco_scores.keypoints(pairs)
    np.testing.assert_allclose(got["joints/AP"]["value"], want["AP"], atol=1e-9)
    np.testing.assert_allclose(got["joints/AR"]["value"], want["AR"], atol=1e-9)
    assert 0 < want["AP"] < 0.95


def test_only_twenty_poses_of_a_picture_count():
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 400, (25, 17, 2))
    pair = Comparison(
        pictures.truth(joints=joints),
        pictures.guess(joints=joints, score=rng.uniform(size=25)),
    )
    got, want = table(Joints(), [pair]), coco_scores.keypoints([pair])
    np.testing.assert_allclose(want["AR"], 20 / 25)
    np.testing.assert_allclose(got["joints/AR"]["value"], want["AR"], atol=1e-9)
    np.testing.assert_allclose(got["joints/AP"]["value"], want["AP"], atol=1e-9)


def coco_pairs(path, rng):
    """People of COCO, and poses that are theirs but for some noise."""
    content = json.loads(path.read_text())
    pairs = []
    for image in content["images"]:
        known = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        if not known:
            continue
        marks = np.array([a["keypoints"] for a in known], np.float64)
        marks = marks.reshape(-1, 17, 3)
        x, y, w, h = np.array([a["bbox"] for a in known], np.float64).T
        area = np.array([a["area"] for a in known])
        truth = pictures.truth(
            joints=marks[..., :2],
            state=marks[..., 2].astype(np.int8),
            box=np.stack([x, y, x + w, y + h], axis=1),
        )
        spread = 0.1 * np.sqrt(area)[:, None, None] * poses.JOINT_KAPPA[:, None]
        moved = marks[..., :2] + 8 * spread * rng.normal(size=(len(known), 17, 2))
        guess = pictures.guess(joints=moved, score=rng.uniform(size=len(known)))
        pairs.append(Comparison(truth, guess))
    return pairs


def test_people_of_coco(real_data):
    path = real_data / "coco_small" / "mmpose" / "test_coco.json"
    pairs = coco_pairs(path, np.random.default_rng(0))
    got, want = table(Joints(), pairs), coco_scores.keypoints(pairs)
    assert got["joints/AP"]["n"] == 12
    assert 0.1 < want["AP"] < 0.99
    np.testing.assert_allclose(got["joints/AP"]["value"], want["AP"], atol=1e-9)
    np.testing.assert_allclose(got["joints/AR"]["value"], want["AR"], atol=1e-9)
    same_by_size(got, want, "joints")
    assert want["APm"] > 0


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
def test_masks_of_deepsport(real_data):
    """Visible masks of real players against themselves moved by some pixels."""
    from pycocotools import mask as rle

    folder = real_data / "deepsport_annotations" / "instance_segmentation"
    content = json.loads((folder / "test.json").read_text())
    rng, pairs = np.random.default_rng(0), []
    for image in content["images"][::16]:
        known = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        ids = np.zeros((image["height"], image["width"]), np.uint8)
        for row, one in enumerate(known):
            ids[rle.decode(one["segmentation"]) > 0] = row + 1
        ids = ids[::4, ::4]
        moved = np.roll(ids, rng.integers(0, 6, 2), axis=(0, 1))
        guess = pictures.guess(
            moved, players=len(known), score=rng.uniform(size=len(known))
        )
        pair = Comparison(pictures.truth(ids, players=len(known)), guess)
        pairs.append(enlarged(pair, 4.0))
    got, want = table(MaskPrecision(), pairs), coco_scores.masks(pairs)
    assert got["masks/AP"]["n"] > 20
    np.testing.assert_allclose(got["masks/AP"]["value"], want["AP"], atol=1e-9)
    np.testing.assert_allclose(got["masks/AR"]["value"], want["AR"], atol=1e-9)
    same_by_size(got, want, "masks")
    assert want["APm"] > 0
