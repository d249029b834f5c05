import pathlib

import pytest

from tests.weights import runs
from tests.weights.runs import CLIPS, SIMULATION
from ttjax import registry
from ttjax.pipeline.cache import Cached
from ttjax.pipeline.clips import TrackNetClips
from ttjax.pipeline.kinds import Kinds
from ttjax.pipeline.mixed import Mixed, Part
from ttjax.pipeline.stack_records import StackRecords
from ttjax.weights import sources


def mixed(*parts):
    return {"type": "Mixed", "parts": [{"type": "Part", "data": p} for p in parts]}


def cached(data):
    return {"type": "Cached", "data": data, "samples": 3}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (SIMULATION, ("Simulation",)),
        (cached(SIMULATION), ("Simulation",)),
        (CLIPS, ("TrackNetClips of shuttle",)),
        (cached(mixed(SIMULATION, cached(CLIPS), SIMULATION)), None),
        ({"type": "someone.Data"}, ("someone.Data",)),
        ({**SIMULATION, "floors": {"path": "/pictures/floors"}}, None),
        ({**SIMULATION, "within": [cached(CLIPS)]}, None),
        (None, ()),
    ],
    ids=str,
)
def test_wrappers_are_taken_off_and_files_are_named(data, found):
    given = sources.of_data(data)
    assert found is None or given == found
    assert all(map(sources.is_simulated, given)) == (found in ((), ("Simulation",)))


def test_what_the_package_registers_is_told_apart():
    shuttle = pathlib.Path("/data/shuttle")
    parts = (Part(TrackNetClips(shuttle)), Part(StackRecords(shuttle, kinds=Kinds())))
    data = Cached(Mixed(parts))
    given = sources.of_data(registry.encode(data))
    assert given == ("TrackNetClips of shuttle", "StackRecords of shuttle")
    known = [name for name in registry.TABLE if sources.is_simulated(name)]
    assert known == ["CourtSimulation", "Simulation"]
    assert set(sources.SILENT) <= registry.TABLE.keys()


def test_a_checkpoint_tells_what_came_before_it():
    said = runs.metadata(sources=["TrackNetClips of shuttle", "Simulation"])
    assert sources.of_metadata(said) == ("TrackNetClips of shuttle", "Simulation")
    # Its own data count, whatever the record says.
    said = runs.metadata(CLIPS, sources=["Simulation"])
    assert sources.of_metadata(said) == ("Simulation", "TrackNetClips of shuttle")


def test_a_checkpoint_without_a_record_is_judged_by_its_recipe():
    said = runs.metadata(init={"path": "/runs/real"})
    del said["sources"]
    assert sources.of_metadata(said) == ("weights of real", "Simulation")
    assert sources.of_weights(pathlib.Path("/w/a.npz")) == "weights of a.npz"
    said = runs.metadata()
    del said["sources"]
    assert sources.check(said, "RUN") == ("Simulation",)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (runs.metadata(CLIPS), r"RUN saw TrackNetClips of shuttle"),
        (runs.metadata(mixed(SIMULATION, CLIPS)), "saw TrackNetClips of shuttle"),
        (runs.metadata(cached(CLIPS)), "saw TrackNetClips of shuttle"),
        (runs.metadata(sources=["weights of a.npz", "Simulation"]), r"of a\.npz"),
        (runs.metadata(licences=["CC BY-NC-SA 4.0"]), r"\(CC BY-NC-SA 4\.0\)"),
        (runs.metadata(None, sources=[]), "saw nothing stated"),
        (runs.metadata({"type": "mine"}), "saw mine"),
    ],
    ids=range(7),
)
def test_all_but_simulated_data_are_refused_in_one_line(said, words):
    assert sources.SIM == "sim"
    with pytest.raises(ValueError, match=words) as refused:
        sources.check(said, "RUN")
    assert "\n" not in str(refused.value)
    assert "train on the simulator only" in str(refused.value)
