import json
import pathlib
import shutil

import pytest
import tensorflow_datasets as tfds

from ttjax.formats import stack_record

DATA = pathlib.Path(__file__).parents[2] / "data"
VALID_TAGS = pathlib.Path(tfds.__file__).parent / "core" / "valid_tags.txt"


class Prepared:
    """A data set made from its dummy data, without TensorFlow."""

    def __init__(self, builder, folder, **config):
        self.builder = builder
        arguments = {"manual_dir": folder, **config}
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(**arguments)
        )

    @property
    def path(self) -> pathlib.Path:
        return pathlib.Path(self.builder.data_path)

    def records(self, split):
        source = self.builder.as_data_source(split=split)
        return [source[index] for index in range(len(source))]

    def metadata(self):
        return json.loads((self.path / "metadata.json").read_text())

    def check(self):
        """What holds of every data set of stacks."""
        assert (self.builder.data_path / "dataset_info.json").exists()
        clips, groups = {}, {}
        for split in self.builder.info.splits:
            stacks = [stack_record.decode(r) for r in self.records(split)]
            assert stacks
            for stack in stacks:
                facts = stack.facts
                stack_record.check(facts)
                assert stack.frames.shape == (9, *stack_record.FRAME_HW, 3)
                assert stack.canvas.shape == (9, *stack_record.LEAST_CANVAS_HW, 3)
                clips.setdefault(split, set()).update(
                    (facts.clip, frame)
                    for frame in range(facts.frame - 8, facts.frame + 1)
                )
                groups.setdefault(split, set()).add(facts.group)
        for one in clips:
            for other in clips.keys() - {one}:
                assert not clips[one] & clips[other]
                assert not groups[one] & groups[other]
        facts = self.metadata()
        assert facts["licence"] == self.builder.licence
        assert facts["events"] == ["bounce", "net"]

    def check_folder(self, name):
        """The files beside the builder are those TFDS reads."""
        folder = DATA / name
        valid = {
            line.split("#")[0].strip() for line in VALID_TAGS.read_text().splitlines()
        }
        tags = (folder / "TAGS.txt").read_text().splitlines()
        assert {line.split("#")[0].strip() for line in tags} <= valid
        assert (folder / "CITATIONS.bib").read_text().startswith("@")
        readme = (folder / "README.md").read_text()
        assert readme.startswith("#")
        assert "licence" in readme.lower()
        for line in (folder / "checksums.tsv").read_text().splitlines():
            url, size, digest, file = line.split("\t")
            assert url.endswith(file)
            assert size.isdigit()
            assert len(bytes.fromhex(digest)) == 32
        size = sum(p.stat().st_size for p in (folder / "dummy_data").rglob("*.*"))
        assert size < 150_000


@pytest.fixture(scope="session")
def prepare():
    return Prepared


@pytest.fixture
def dummy(tmp_path):
    """A copy of the dummy data of a data set, to be spoilt."""

    def copy(name):
        return pathlib.Path(
            shutil.copytree(DATA / name / "dummy_data", tmp_path / "däta")
        )

    return copy
