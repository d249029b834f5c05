import numpy as np

from bench.stack_files import CLIP, CYCLE, MadeStacks, write
from ttjax.formats import stack_record
from ttjax.pipeline.stack_set import StackSet

MADE = MadeStacks(frames=2, canvas_hw=(64, 96), source_hw=(256, 640), radius_px=3.0)


def test_made_records_are_stacks_that_show_their_ball():
    records = list(MADE.records("train", 9))
    stacks = [stack_record.decode(record) for record in records]
    assert [stack.facts.kind for stack in stacks] == [*CYCLE, CYCLE[0]]
    assert [stack.facts.clip for stack in stacks] == ["train_0"] * CLIP + ["train_1"]
    for stack in stacks:
        stack_record.check(stack.facts)
        newest = int(stack.facts.ball_state[-1])
        kind = stack_record.kind_of(stack.facts.event_offset, newest)
        assert kind == stack.facts.kind
        seen = stack.facts.ball_state == stack_record.VISIBLE
        at = np.floor(stack.facts.ball_xy_px - stack.facts.canvas_xy).astype(int)
        shown = [
            image[y, x].min() > 220
            for image, (x, y) in zip(stack.canvas, at, strict=True)
        ]
        assert shown == seen.tolist()
    assert [stack.masks is None for stack in stacks] == [True, False] * 4 + [True]


def test_records_are_a_function_of_their_split():
    def pixels(split):
        return [record["canvas"] for record in MADE.records(split, 3)]

    assert pixels("train") == pixels("train") != pixels("test")


def test_what_is_written_is_a_prepared_data_set(tmp_path):
    built = StackSet(write(tmp_path, MADE, {"train": 3, "validation": 1}))
    assert (built.count("train"), built.count("validation")) == (3, 1)
    records = built.records("train")
    wanted = list(MADE.records("train", 3))
    assert [record["canvas"] for record in records] == [r["canvas"] for r in wanted]
