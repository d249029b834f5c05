"""Made-up pictures in the layouts of COCO and of DeepSport: what tests build."""

import pathlib

import cv2
import numpy as np

from ttjax.formats import coco, deepsport, deepsport_humans, picture_file, rle

SIZE_HW = (48, 64)


def picture(seed: int, size_hw=SIZE_HW) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (*size_hw, 3)).astype(np.uint8)


def box_mask(x0, y0, x1, y1, size_hw=SIZE_HW) -> np.ndarray:
    mask = np.zeros(size_hw, np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def person(number, box, *, joints=17, crowd=False, segmentation=None) -> coco.Person:
    mask = box_mask(*box)
    state = (np.arange(17) < joints).astype(np.int8) * 2
    places = np.linspace(box[:2], np.array(box[2:]) - 1, 17) + 0.5
    return coco.Person(
        id=number,
        box_px=np.array(box, np.float32),
        joints_px=np.where(state[:, None] > 0, places, 0).astype(np.float32),
        joint_state=state,
        crowd=crowd,
        area_px2=float(mask.sum()),
        segmentation=segmentation or rle.encode(mask),
    )


def ball(number, box, *, crowd=False) -> coco.Ball:
    mask = box_mask(*box)
    return coco.Ball(
        number, np.array(box, np.float32), crowd, float(mask.sum()), rle.encode(mask)
    )


def coco_pictures(first: int) -> list[coco.Picture]:
    """A close-up with few joints, two players and a crowd, a ball, and nothing."""
    people = [
        (person(first + 1, (10, 5, 30, 45), joints=3),),
        (
            person(first + 2, (4, 8, 16, 40)),
            person(first + 3, (12, 10, 20, 30), joints=9),
            person(first + 4, (40, 0, 64, 20), joints=0, crowd=True),
        ),
        (),
        (),
    ]
    balls = [
        (),
        (ball(first + 5, (30, 40, 34, 44)), ball(first + 6, (36, 40, 39, 43))),
        (ball(first + 7, (1, 2, 4, 6)),),
        (),
    ]
    return [
        coco.Picture(first + n, f"{first + n:012d}.jpg", SIZE_HW, *both)
        for n, both in enumerate(zip(people, balls, strict=True))
    ]


def write_coco(root: pathlib.Path) -> pathlib.Path:
    for number, name in enumerate(("train2017", "val2017")):
        pictures = coco_pictures(100 * number)
        (root / name).mkdir(parents=True)
        (root / "annotations").mkdir(exist_ok=True)
        for kind in ("person_keypoints", "instances"):
            coco.write(root / "annotations" / f"{kind}_{name}.json", pictures)
        for one in pictures:
            _, data = cv2.imencode(".jpg", picture(one.id))
            (root / name / one.file).write_bytes(data.tobytes())
    return root


def lens(size_hw=SIZE_HW) -> deepsport.Lens:
    """Looks from 12 m beside the court, 6 m above it, at its middle."""
    position = np.array([1400.0, 2700.0, -600.0])
    forward = np.array([1400.0, 750.0, 0.0]) - position
    forward /= np.linalg.norm(forward)
    down = np.array([0.0, 0.0, 1.0])
    right = np.cross(down, forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return deepsport.Lens(
        size_hw=size_hw,
        matrix=np.array([[60.0, 0, 32], [0, 60.0, 24], [0, 0, 1]]),
        rotation=rotation,
        translation=-rotation @ position,
        distortion=np.array([-0.1, 0.01, 0.001, -0.001, 0.0]),
    )


def humans() -> deepsport_humans.Humans:
    """Two players, a crowd, no ball, three pixels of somebody too small."""
    return deepsport_humans.Humans(
        people=(box_mask(5, 10, 12, 30), box_mask(20, 10, 27, 30)),
        crowd=box_mask(40, 0, 60, 8),
        ball=np.zeros(SIZE_HW, np.bool_),
        rest=np.zeros(SIZE_HW, np.bool_),
    )


BALL_CM = (1400.0, 900.0, -150.0)


def instants() -> list[deepsport.Instant]:
    ball = deepsport.Ball(np.array(BALL_CM), camera=0, state="FLYING")
    head, hips, foot = (np.array([1400.0, 750.0, z]) for z in (-180.0, -100.0, 0.0))
    player = deepsport.Player(head, hips, foot, None, camera=0, team="A")
    return [
        deepsport.Instant(
            arena=arena,
            game=24330 + number,
            timestamp=1513710529019 + time,
            cameras=2,
            offsets=(0, 40),
            has_masks=time == 0,
            balls=(ball,),
            players=(player,),
        )
        for number, arena in enumerate(("KS-FR-BLOIS", "KS-FR-CAEN"))
        for time in range(2)
    ]


def write_deepsport(root: pathlib.Path) -> pathlib.Path:
    root.mkdir(parents=True, exist_ok=True)
    deepsport.write(root, instants())
    for number, instant in enumerate(instants()):
        for camera in range(instant.cameras):
            path = instant.picture_file(root, camera)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture_file.encode_png(picture(number * 2 + camera)))
            deepsport.write_lens(instant.calibration_file(root, camera), lens())
            if instant.has_masks:
                masks = deepsport_humans.ids_of(humans())
                masks[40, 30:33] = 1099
                png = picture_file.encode_png(masks)
                instant.humans_file(root, camera).write_bytes(png)
    return root
