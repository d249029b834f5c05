import jax.numpy as jnp
import pytest

from ttjax.sim import points
from ttjax.sim.points import REASONS, Tally

SERVER, RECEIVER = 1.0, -1.0


def played(*events, served=True):
    """Reason and winner of events (what, side) after a stroke from the right."""
    tally: Tally = points.struck(jnp.array(served))
    for what, side in events:
        tally, reason, winner = points.judge(
            tally,
            jnp.float32(SERVER),
            jnp.array(what == "touch"),
            jnp.float32(side if what == "bounce" else 0.0),
            jnp.float32(side if what == "out" else 0.0),
        )
        if int(reason):
            return REASONS[int(reason)], float(winner)
    return "", 0.0


OWN, OTHER = ("bounce", SERVER), ("bounce", RECEIVER)
TOUCH = ("touch", 0)


@pytest.mark.parametrize(
    ("events", "served", "reason", "winner"),
    [
        ((OWN, OTHER), True, "", 0),
        ((OWN, TOUCH, OTHER), True, "let", 0),
        ((OTHER,), True, "serve_fault", RECEIVER),
        ((OWN, OWN), True, "serve_fault", RECEIVER),
        ((OWN, TOUCH, ("out", RECEIVER)), True, "serve_fault", RECEIVER),
        ((("out", SERVER),), True, "serve_fault", RECEIVER),
        ((OTHER,), False, "", 0),
        ((TOUCH, OTHER), False, "", 0),
        ((TOUCH, OWN), False, "net", RECEIVER),
        ((TOUCH, ("out", SERVER)), False, "net", RECEIVER),
        ((TOUCH, ("out", RECEIVER)), False, "out", RECEIVER),
        ((("out", RECEIVER),), False, "out", RECEIVER),
        ((OTHER, OTHER), False, "double_bounce", SERVER),
        ((OTHER, ("out", RECEIVER)), False, "miss", SERVER),
        ((OTHER, OWN), False, "miss", SERVER),
        ((OWN, OTHER, OTHER), True, "double_bounce", SERVER),
        ((OWN, OTHER, TOUCH, ("out", RECEIVER)), True, "miss", SERVER),
    ],
)
def test_the_laws_decide(events, served, reason, winner):
    assert played(*events, served=served) == (reason, winner)
