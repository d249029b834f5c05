"""A prepared data set of pictures of people: a folder of TFDS."""

from ttjax.formats import scene_record
from ttjax.pipeline.stack_set import Prepared


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
