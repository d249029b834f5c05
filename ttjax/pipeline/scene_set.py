"""A prepared data set of pictures of people: a folder of TFDS."""

import json
import pathlib

from ttjax.formats import scene_record
from ttjax.pipeline.stack_set import Prepared
from ttjax.samples import Split

_FEATURES = "features.json"


class SceneSet(Prepared):
    """Records of pictures.

    The metadata that it reads: `most_people`, split -> most rows of a picture and that
    picture's name.
    """

    facts = scene_record.Facts

    def check_rows(self, split: str, rows: int) -> None:
        """Checks that the people of every picture have a row.

        Raises:
            ValueError: a picture shows more.
        """
        most, name = dict(self.metadata.get("most_people", {})).get(split, (0, ""))
        if most > rows:
            raise ValueError(
                f"Each person has a row, {name!r} in {split!r} of {str(self.folder)!r} "
                f"shows {most} and there are {rows} rows: set `players={most}`."
            )


def is_built(root: pathlib.Path) -> bool:
    """Whether pictures of people are prepared in a folder or below it.

    Looks at the folders of builders, their configurations and versions alone, not
    through all that lies below.
    """
    found = (root.glob("/".join(["*"] * depth + [_FEATURES])) for depth in range(4))
    return any(_has_joints(path) for paths in found for path in paths)


def split_of(root: pathlib.Path, split: Split | None) -> Split:
    """The split that is asked for; None: `test`, or `validation` where there is none.

    Raises:
        ValueError: there is none of that name, or neither of the two.
    """
    built = SceneSet(root)
    wanted: tuple[Split, ...] = ("test", "validation") if split is None else (split,)
    for one in wanted:
        if built.count(one):
            return one
    raise ValueError(
        f"Scores are of the pictures of a split, {str(built.folder)!r} has none in "
        f"{' or '.join(wanted)}: build it, or take another (`--split`)."
    )


def _has_joints(path: pathlib.Path) -> bool:
    try:
        content = json.loads(path.read_text())
        return "joint_state" in content["featuresDict"]["features"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
