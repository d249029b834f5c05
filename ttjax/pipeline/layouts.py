"""Labelled videos in a directory, whatever their layout."""

import pathlib
from collections.abc import Iterator

from ttjax.formats import openttgames, tracknet
from ttjax.pipeline import openttgames as opentt
from ttjax.pipeline import recording
from ttjax.pipeline.recording import VideoRecording


def recordings(root: pathlib.Path) -> Iterator[VideoRecording]:
    """The labelled videos in OpenTTGames' or TrackNet's layout, by name.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: it holds no layout that is known.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"Labelled videos lie in a directory, {str(root)!r} is none: correct the "
            "path."
        )
    if any(root.rglob(openttgames.BALL_FILE)):
        return opentt.recordings(root)
    if any(root.glob("*/*.csv")):
        return (recording.of_clip(one, "absent") for one in tracknet.find(root))
    raise ValueError(
        f"Labelled videos are <name>.mp4 beside <name>/{openttgames.BALL_FILE} "
        f"(OpenTTGames) or <group>/<name>.mp4 with .csv (TrackNet), {str(root)!r} "
        "holds neither: give the folder that holds these."
    )
