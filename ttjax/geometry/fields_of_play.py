"""Sizes of the field of play, in metres and kilograms, each with the Law it comes from.

World axes of table tennis: x along the table (the net stands at x = 0), y across it and
away from the side camera, z up from the floor.
"""

TABLE_LENGTH_M = 2.74
"""ITTF Law 2.1.1."""
TABLE_WIDTH_M = 1.525
"""ITTF Law 2.1.1."""
TABLE_HEIGHT_M = 0.76
"""ITTF Law 2.1.1: the playing surface above the floor."""
EDGE_LINE_M = 0.02
"""ITTF Law 2.1.4: width of the white side and end lines."""
CENTRE_LINE_M = 0.003
"""ITTF Law 2.1.6: width of the white centre line."""
NET_HEIGHT_M = 0.1525
"""ITTF Law 2.2.3: top of the net above the playing surface."""
NET_OVERHANG_M = 0.1525
"""ITTF Law 2.2.2: the posts stand this far outside the side lines."""
BALL_RADIUS_M = 0.02
"""ITTF Law 2.3.1: a diameter of 40 mm."""
BALL_MASS_KG = 0.0027
"""ITTF Law 2.3.2."""
BALL_RESTITUTION = 0.876
"""ITTF Law 2.1.3: dropped from 30 cm the ball rises about 23 cm; sqrt(23 / 30)."""
