"""Which windows of which OpenTTGames clips go into which split."""

import collections
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from ttjax.datasets import extraction  # pyright: ignore[reportMissingImports]
from ttjax.formats import (
    frame_table,
    openttgames,
    openttgames_events,
    stack_windows,
    table_mask,
)
from ttjax.media.reader import Reader

VALIDATION_SHARE = 0.2
PAPER_PAIRS = {"train": 38_752, "validation": 9_502, "test": 7_328}
"""Training, validation and test samples that the paper states; its section 5."""


def table(files: openttgames.ClipFiles) -> stack_windows.Table:
    """The label table of a clip, every file of it checked.

    Raises:
        ValueError: a file that breaks its format or does not fit the others or the
            video; the message names it, and the frame.
    """
    reader = Reader(files.video)
    length = reader.frame_count if reader.frame_count_exact else None
    balls = openttgames.read_balls(files.balls, reader.size_hw)
    folder = files.balls.parent
    events = openttgames_events.find(folder, balls)
    masks = openttgames.mask_files(files.masks)
    if files.masks.is_dir() and not masks:
        raise ValueError(
            f"A folder of masks holds <frame>.png, {files.masks} holds none: fetch it "
            "again, or remove it if this clip has no masks."
        )
    if length is not None:
        happened = [int(at[-1]) for at in events.values() if len(at)]
        for path, frames in (
            (files.balls, balls.frames[-1:].tolist()),
            (folder, happened),
            (files.masks, masks),
        ):
            frame_table.check_end(path, max(frames, default=-1), length)
    table_mask.check(files.masks)
    for path in masks.values():
        openttgames.read_mask(path, openttgames.MASK_HW)
    return stack_windows.Table(
        clip=files.name,
        source_hw=reader.size_hw,
        frames=balls.frames,
        ball_xy_px=balls.xy_px,
        ball_state=balls.state,
        events=events,
        mask_frames=np.array(list(masks), np.int64),
    )


def tests(names: Sequence[str]) -> frozenset[str]:
    """Clips called `test…` are for testing; where there are none, the last sixth."""
    called = frozenset(name for name in names if name.startswith("test"))
    ordered = sorted(names)
    sixth = -(-len(ordered) // 6) if len(ordered) > 1 else 0
    return called or frozenset(ordered[len(ordered) - sixth :])


def validation(
    sizes: Mapping[str, Mapping[str, int]], by_game: bool
) -> Mapping[str, frozenset[str]]:
    """Training clip -> groups held out for validation, about a fifth of all windows.

    sizes: clip -> group -> number of windows; by_game: whole clips or none.
    """
    flat: dict[str, int] = collections.Counter()
    homes: dict[str, set[tuple[str, str]]] = collections.defaultdict(set)
    for clip, groups in sizes.items():
        for group, count in groups.items():
            name = clip if by_game else group
            flat[name] += count
            homes[name].add((clip, group))
    held = stack_windows.held_out(flat, VALIDATION_SHARE)
    chosen = {clip: set() for clip in sizes}
    for name in held:
        for clip, group in homes[name]:
            chosen[clip].add(group)
    return {clip: frozenset(groups) for clip, groups in chosen.items()}


def locate(root: pathlib.Path) -> list[openttgames.ClipFiles]:
    """All clips below a folder, in any layout of `openttgames.find_clips`.

    Raises:
        FileNotFoundError: there is no clip.
        ValueError: a video without labels or labels without a video, or two files of
            one name.
    """
    clips = openttgames.find_clips(root)
    alone = set(root.rglob("*.mp4")) - {clip.video for clip in clips}
    if alone:
        raise ValueError(
            f"Every clip in {root} has a video and labels, {min(alone)} has no labels: "
            "add them, or move it away."
        )
    return clips


def plan(
    files: openttgames.ClipFiles, *, frames: int, pairs: bool, by_game: bool
) -> extraction.Plan:
    """What to extract from one clip: a window per frame, or `pairs` per event."""
    known = table(files)
    make = stack_windows.of_events if pairs else stack_windows.of_frames
    windows = make(known, frames)
    runs = max((window.run for window in windows), default=0) + 1
    groups = [files.name] if by_game else [f"{files.name}/{n}" for n in range(runs)]
    masks = openttgames.mask_files(files.masks)
    labels = sorted(files.balls.parent.glob("*.json"))
    return extraction.Plan(
        video=files.video,
        table=known,
        windows=windows,
        groups=groups,
        masks=masks,
        sources=[files.video, *labels, *masks.values()],
    )


def sizes(plan: extraction.Plan) -> dict[str, int]:
    """Group -> number of its windows."""
    return dict(collections.Counter(map(plan.group, plan.windows)))


Splits = Mapping[str, Mapping[str, frozenset[str]]]
"""Split -> clip -> groups of windows."""


def splits(found: Mapping[str, extraction.Plan], by_game: bool) -> Splits:
    """Train, validation and test; no two of them share a frame."""
    testing = tests(list(found))
    counts = {name: sizes(plan) for name, plan in found.items()}
    training = {name: counts[name] for name in found if name not in testing}
    held = validation(training, by_game)
    chosen = {
        "train": {name: frozenset(training[name]) - held[name] for name in training},
        "validation": dict(held),
        "test": {name: frozenset(counts[name]) for name in found if name in testing},
    }
    return {
        split: kept
        for split, clips in chosen.items()
        if (kept := {name: groups for name, groups in clips.items() if groups})
    }


def beside_the_paper(splits: Splits, found: Mapping[str, extraction.Plan]) -> str:
    """How many records each split has, and how many samples the paper states."""
    lines = []
    for split, stated in PAPER_PAIRS.items():
        count = sum(
            sizes(found[clip])[group]
            for clip, groups in splits.get(split, {}).items()
            for group in groups
        )
        lines.append(f"{split}: {count:,} pairs, the paper states {stated:,}")
    return "\n".join(lines)
