import threading
import time

import numpy as np
import pytest

from tests.train import toy
from ttjax.train.prefetch import Prefetch


def source() -> toy.Source:
    return toy.Source(toy.Data(), 4, 0)


def workers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "ttjax-prefetch"]


def test_batches_come_in_order_each_with_the_state_behind_it():
    alone = source()
    with Prefetch(source()) as batches:
        for index in range(5):
            batch, state = batches.next()
            np.testing.assert_array_equal(batch.x, alone.next_batch().x)
            assert state == {"index": index + 1}
    assert not workers()


def test_the_source_runs_ahead_but_not_away():
    ahead = source()
    with Prefetch(ahead, depth=2) as batches:
        batches.next()
        deadline = time.monotonic() + 5
        while ahead.index < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        # One is taken, two are ready, one waits for room.
        assert ahead.index == 4


def test_batches_are_placed_on_the_thread():
    with Prefetch(source(), lambda batch: threading.current_thread().name) as batches:
        assert batches.next()[0] == "ttjax-prefetch"


def test_an_error_of_the_source_comes_where_its_batch_would():
    class Broken(toy.Source):
        def next_batch(self) -> toy.Batch:
            if self.index == 2:
                raise FileNotFoundError("clip_3.mp4 is gone")
            return super().next_batch()

    with Prefetch(Broken(toy.Data(), 4, 0)) as batches:
        batches.next()
        batches.next()
        with pytest.raises(FileNotFoundError, match=r"clip_3\.mp4"):
            batches.next()
    assert not workers()
