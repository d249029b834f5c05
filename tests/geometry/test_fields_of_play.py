from ttjax.geometry import fields_of_play as field


def test_restitution_is_that_of_the_drop_of_the_laws():
    assert abs(0.30 * field.BALL_RESTITUTION**2 - 0.23) < 0.001


def test_sizes_are_those_of_the_laws_of_table_tennis():
    assert (field.TABLE_LENGTH_M, field.TABLE_WIDTH_M) == (2.74, 1.525)
    assert field.TABLE_HEIGHT_M == 0.76
    assert field.NET_HEIGHT_M == field.NET_OVERHANG_M == 0.1525
    assert (field.EDGE_LINE_M, field.CENTRE_LINE_M) == (0.02, 0.003)
    assert 2 * field.BALL_RADIUS_M == 0.04
    assert field.BALL_MASS_KG == 0.0027
