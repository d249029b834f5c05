import json
import shutil

import cv2
import numpy as np
import pytest

from ttjax.datasets.openttgames import plans  # pyright: ignore[reportMissingImports]
from ttjax.formats import openttgames


@pytest.fixture
def folder(dummy):
    return dummy("openttgames")


def files(folder, name="game_1"):
    return next(clip for clip in plans.locate(folder) if clip.name == name)


def test_clips_are_found_in_other_tools_layouts(folder):
    (folder / "annotations").mkdir()
    shutil.move(folder / "game_1", folder / "annotations" / "game_1")
    (folder / "videos").mkdir()
    shutil.move(folder / "game_1.mp4", folder / "videos" / "game_1.mp4")
    assert [clip.name for clip in plans.locate(folder)] == [
        "game_1",
        "game_2",
        "test_1",
    ]
    assert plans.table(files(folder)).clip == "game_1"
    shutil.copy(folder / "videos" / "game_1.mp4", folder / "game_1.mp4")
    with pytest.raises(ValueError, match="'game_1' has"):
        plans.locate(folder)
    (folder / "game_1.mp4").unlink()
    (folder / "test_1.mp4").unlink()
    with pytest.raises(ValueError, match="'test_1' has no video"):
        plans.locate(folder)
    with pytest.raises(FileNotFoundError, match="No clip"):
        plans.locate(folder / "videos")


def test_test_clips_are_those_called_so_or_the_last_sixth():
    assert plans.tests(["game_1", "test_1", "game_2"]) == {"test_1"}
    rallies = [f"rally_{n:04d}" for n in range(1, 8)]
    assert plans.tests(rallies) == {"rally_0006", "rally_0007"}
    assert plans.tests(["rally_0001"]) == frozenset()


@pytest.mark.parametrize("by_game", [False, True])
def test_validation_holds_out_a_fifth_in_whole_groups(by_game):
    sizes = {f"game_{g}": {f"game_{g}/{n}": 17 for n in range(40)} for g in range(5)}
    held = plans.validation(sizes, by_game)
    counts = [len(groups) for groups in held.values()]
    assert sum(counts) == 40
    assert (sorted(counts) == [0, 0, 0, 0, 40]) == by_game


def test_a_plan_knows_its_groups_and_splits_share_none(folder):
    found = {
        clip.name: plans.plan(clip, frames=9, pairs=False, by_game=False)
        for clip in plans.locate(folder)
    }
    sizes = plans.sizes(found["game_1"])
    assert sum(sizes.values()) == len(found["game_1"].windows)
    splits = plans.splits(found, by_game=False)
    groups = [g for clips in splits.values() for names in clips.values() for g in names]
    assert (
        len(groups)
        == len(set(groups))
        == sum(len(plans.sizes(plan)) for plan in found.values())
    )
    assert set(splits["test"]) == {"test_1"}
    told = plans.beside_the_paper(splits, found).splitlines()
    assert [line.partition(":")[0] for line in told] == ["train", "validation", "test"]
    assert told[1].endswith("9,502")


def spoil_json(text):
    return lambda clip: clip.balls.write_text(text)


def spoil_mask(image):
    def write(clip):
        path = clip.masks / "11.png"
        cv2.imwrite(str(path), image)

    return write


def swap_channels(clip):
    for path in openttgames.mask_files(clip.masks).values():
        openttgames.write_mask(path, openttgames.read_mask(path)[..., ::-1])


def empty_masks(clip):
    for path in openttgames.mask_files(clip.masks).values():
        path.unlink()


def other_events(clip):
    clip.events.write_text('{"1": "bounce", "2": "net"}')


HOSTILE = {
    "no json": (spoil_json("{"), "ball_markup.json"),
    "wrong types": (spoil_json('{"40": {"x": "1", "y": 2}}'), "frame 40"),
    "not a number": (spoil_json('{"40": {"x": NaN, "y": 2}}'), "NaN"),
    "duplicate": (
        spoil_json('{"40": {"x": 1, "y": 2}, "40": {"x": 1, "y": 2}}'),
        "'40' comes twice",
    ),
    "outside": (spoil_json('{"40": {"x": 480, "y": 2}}'), "frame 40 has 480"),
    "beyond the end": (
        spoil_json(json.dumps({str(n): {"x": 1, "y": 2} for n in range(30, 61)})),
        "frame 60 and the video 60 frames",
    ),
    "mask of another size": (
        spoil_mask(np.zeros((64, 160, 3), np.uint8)),
        r"11\.png.*160 x 64",
    ),
    "scaled mask": (
        spoil_mask(np.full((128, 320, 3), 90, np.uint8)),
        r"11\.png.*0 or 255",
    ),
    "empty mask file": (
        lambda clip: (clip.masks / "23.png").write_bytes(b""),
        r"23\.png is missing or no image",
    ),
    "mask of no frame": (
        lambda clip: (clip.masks / "11.png").rename(clip.masks / "x.png"),
        "frame numbers, got 'x'",
    ),
    "mask beyond the end": (
        lambda clip: (clip.masks / "11.png").rename(clip.masks / "60.png"),
        "segmentation_masks has frame 60",
    ),
    "other channels": (swap_channels, "BGR"),
    "no masks": (empty_masks, "holds none"),
    "another clip's events": (other_events, r"events_markup\.json.*another clip"),
    "truncated video": (
        lambda clip: clip.video.write_bytes(clip.video.read_bytes()[:2000]),
        r"game_1\.mp4",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_input_is_refused_by_file_and_frame(folder, case):
    spoil, message = HOSTILE[case]
    clip = files(folder)
    spoil(clip)
    with pytest.raises(ValueError, match=message) as error:
        plans.table(clip)
    assert "game_1" in str(error.value)
