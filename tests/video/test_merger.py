import numpy as np
import pytest

from ttjax.video.merger import Merger


def by_loop(findings, hold):
    """All windows first, then every frame: what is said of it by any window."""
    records = [{} for _ in findings]
    for end, found in enumerate(findings):
        for offset, fields in found:
            if end + offset >= 0:
                records[end + offset] |= fields
    names = []
    for n in range(len(findings)):
        seen = findings[: min(n + hold, len(findings) - 1) + 1]
        names.append({name for found in seen for _, f in found for name in f})
    return [
        {"frame": n} | {name: record.get(name) for name in names[n]}
        for n, record in enumerate(records)
    ]


@pytest.mark.parametrize("hold", [0, 1, 4, 9])
def test_findings_are_merged_as_by_a_loop_over_all_of_them(hold):
    rng = np.random.default_rng(hold)
    findings = []
    for end in range(40):
        offsets = rng.integers(-hold, 1, 3).tolist()
        named = zip(offsets, ("ball", "events", "ball"), strict=True)
        some = [(o, {name: f"{name} by {end}"}) for o, name in named]
        findings.append(some if end >= 6 else [])
    merger = Merger(hold)
    records = []
    for found in findings:
        records += merger.add(found)
        assert merger.pending <= hold
    records += merger.finish()
    assert records == by_loop(findings, hold)
    assert merger.pending == 0


@pytest.mark.parametrize("count", [0, 1, 3, 20])
def test_each_frame_gets_one_record_in_order(count):
    merger = Merger(5)
    records = [r for _ in range(count) for r in merger.add()] + merger.finish()
    assert [record["frame"] for record in records] == list(range(count))


def test_frames_that_no_window_speaks_of_have_nulls():
    """Nine frames a window, the ball in its last, events in its middle one."""
    merger, records = Merger(8), []
    for end in range(12):
        found = [(0, {"ball": end}), (-4, {"events": end - 4})] if end >= 8 else []
        records += merger.add(found)
    records += merger.finish()
    assert [r["ball"] for r in records] == [None] * 8 + [8, 9, 10, 11]
    assert [r["events"] for r in records] == [None] * 4 + [4, 5, 6, 7] + [None] * 4


@pytest.mark.parametrize("offset", [1, -4])
def test_an_offset_that_cannot_be_kept_is_refused(offset):
    with pytest.raises(ValueError, match="its last 4 frames"):
        Merger(3).add([(offset, {"ball": 1})])


def test_a_merger_holds_no_negative_number_of_frames():
    with pytest.raises(ValueError, match="0 frames or more, got -1"):
        Merger(-1)
