"""How outputs are decoded, as one frozen object."""

import dataclasses

from ttjax.deepsportlab import assign
from ttjax.fields.splat import Splat
from ttjax.scenes import MOST_PLAYERS


@dataclasses.dataclass(frozen=True)
class Decoder:
    """How outputs are decoded; thresholds and filters as in the paper's code.

    players: rows of the answer. Sixteen cells point to a joint, and two or three of
        them lie close: `sources` votes and `queries` places per kind of point.
    cell_threshold: confidence from which on a cell votes. centre_threshold and
        joint_threshold: density from which on a peak is a centre or a joint.
    nms_radius_px: peaks of a kind are farther apart. shifts: mean shifts of a place.
    min_area_px: of a mask, in px of the network's picture, counted in steps of the
        square of the maps' stride. min_joints: of a player, its centre included; only
        where there are parts.
    grouping: how points find their players; the paper's are `PeakToMask` and
        `ArgmaxInMask`.
    max_distance_px: from where a pixel votes to its centre; None: any.
    """

    players: int = 32
    sources: int = 512
    queries: int = 96
    cell_threshold: float = 0.1
    centre_threshold: float = 0.1
    joint_threshold: float = 0.1
    nms_radius_px: float = 6.0
    shifts: int = 1
    min_area_px: float = 100.0
    min_joints: int = 5
    max_distance_px: float | None = None
    grouping: assign.PeakToMask | assign.ArgmaxInMask = assign.PeakToOwner()
    splat: Splat = Splat()

    def __post_init__(self):
        """Checks capacities and thresholds.

        Raises:
            ValueError: rows that ids cannot tell apart, fewer places than rows or fewer
                votes than places, or a threshold that is no probability.
        """
        if not 1 <= self.players <= MOST_PLAYERS:
            raise ValueError(
                f"Ids tell 1 to {MOST_PLAYERS} players apart, got {self.players}: set "
                "`players`."
            )
        if not self.players <= self.queries <= self.sources:
            raise ValueError(
                "Each player needs a place and each place a vote, got "
                f"players={self.players}, queries={self.queries}, "
                f"sources={self.sources}: raise the smaller."
            )
        if not 0 < self.cell_threshold < 1:
            raise ValueError(
                "A cell's confidence is between 0 and 1, got cell_threshold="
                f"{self.cell_threshold}: choose one between."
            )
