"""How a point ends, by the Laws of table tennis (2.5 to 2.10), event by event."""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int32

NET, OUT, DOUBLE_BOUNCE, MISS, SERVE_FAULT, LET = range(1, 7)
"""Reasons; 0 is none.

NET: the return stays on the striker's own side (Law 2.10.1.2). OUT: it comes down
beyond the table without touching it (2.10.1.4). DOUBLE_BOUNCE: a good ball bounces
twice on the receiver's half, MISS: once, and then on the floor or on the other half,
without a return (2.10.1.3). SERVE_FAULT: no good service (2.6.3, 2.10.1.1). LET: a
service touches the net and is good otherwise (2.9.1.1): nobody scores.
"""
REASONS = ("", "net", "out", "double_bounce", "miss", "serve_fault", "let")


@flax.struct.dataclass
class Tally:
    """What happened since the last stroke.

    served: it was a service. own: that has bounced on the server's half. landed: the
    ball has bounced on the receiver's half. touched: before that it met the net.
    """

    served: Bool[Array, "*n"]
    own: Bool[Array, "*n"]
    landed: Bool[Array, "*n"]
    touched: Bool[Array, "*n"]


def struck(served: Bool[Array, ""]) -> Tally:
    """The tally after a stroke."""
    no = jnp.zeros_like(served)
    return Tally(served=served, own=no, landed=no, touched=no)


def judge(
    tally: Tally,
    striker: Float[Array, ""],
    touch: Bool[Array, ""],
    bounce_side: Float[Array, ""],
    out_side: Float[Array, ""],
) -> tuple[Tally, Int32[Array, ""], Float[Array, ""]]:
    """The tally after a step, the reason for which the point ended in it, the winner.

    striker: side (-1 left, 1 right) of whoever struck last. touch: the ball met the
    net, before the bounce if there is one. bounce_side, out_side: on which half it
    bounced, on which side it came to the floor or left the playing area; 0 if not.
    """
    bounce, own_side = bounce_side != 0.0, bounce_side == striker
    touched = tally.touched | (touch & ~tally.landed)
    first = tally.served & ~tally.own
    on_other = bounce & ~own_side
    lands = on_other & ~first & ~tally.landed
    let = lands & tally.served & touched
    short = bounce & own_side & ~first & ~tally.landed
    gone = (out_side != 0.0) & ~tally.landed
    fault = tally.served & ~tally.landed & (short | gone | (first & on_other))
    twice = tally.landed & on_other
    # Back over the net, or on the floor: the receiver did not strike a good ball.
    missed = tally.landed & ~twice & (bounce | (out_side != 0.0))
    behind = gone & (out_side == striker)
    stays = short | (behind & touched)
    reason = jnp.select(
        [let, fault, twice, missed, stays, gone],
        [LET, SERVE_FAULT, DOUBLE_BOUNCE, MISS, NET, OUT],
        0,
    ).astype(jnp.int32)
    winner = jnp.where(twice | missed, striker, -striker)
    winner = jnp.where((reason == 0) | let, 0.0, winner)
    after = Tally(
        served=tally.served,
        own=tally.own | (first & bounce & own_side),
        landed=tally.landed | lands,
        touched=touched,
    )
    return after, reason, winner
