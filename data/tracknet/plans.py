"""Which windows of which TrackNet-style clips go into which split."""

from collections.abc import Sequence

import numpy as np

from ttjax.datasets import extraction  # pyright: ignore[reportMissingImports]
from ttjax.formats import stack_record, stack_windows, tracknet
from ttjax.media.reader import Reader


def splits(groups: Sequence[str]) -> dict[str, frozenset[str]]:
    """Split -> folders, whole ones only.

    Folders called `test…` (in any case) are for testing; without any, the last sixth
    of them. Another sixth, the last of the others, is for validation. One folder alone
    is for training.
    """
    ordered = sorted(groups)
    testing = [name for name in ordered if name.lower().startswith("test")]
    if not testing and len(ordered) > 1:
        testing = ordered[len(ordered) - -(-len(ordered) // 6) :]
    rest = [name for name in ordered if name not in testing]
    sixth = -(-len(rest) // 6) if len(rest) > 1 else 0
    chosen = {
        "train": rest[: len(rest) - sixth],
        "validation": rest[len(rest) - sixth :],
        "test": testing,
    }
    return {split: frozenset(names) for split, names in chosen.items() if names}


def plan(entry: tracknet.Entry, *, frames: int, hidden_absent: bool) -> extraction.Plan:
    """One window per frame from the first whole stack on.

    Raises:
        ValueError: the labels break their format or do not fit the video.
    """
    reader = Reader(entry.video)
    count = reader.frame_count if reader.frame_count_exact else None
    track = tracknet.read(entry.labels, size_hw=reader.size_hw, frames=count)
    hidden = stack_record.ABSENT if hidden_absent else stack_record.UNKNOWN
    state = np.where(track.visible, stack_record.VISIBLE, hidden).astype(np.int8)
    table = stack_windows.Table(
        clip=entry.name,
        source_hw=reader.size_hw,
        frames=np.arange(len(state)),
        ball_xy_px=track.xy_px,
        ball_state=state,
        events={},
        mask_frames=np.zeros(0, np.int64),
    )
    return extraction.Plan(
        video=entry.video,
        table=table,
        windows=stack_windows.of_frames(table, frames),
        groups=[entry.group],
        masks={},
        sources=[entry.video, entry.labels],
    )
