from ttjax.sim import preview


def test_a_sheet_has_one_row_for_each_sample(small_hall):
    image = preview.sheet(preview.key_of(0), 2, small_hall)
    height, width = preview.SPEC.frame_hw
    assert image.shape == (2 * height, 2 * width + preview.SPEC.canvas_hw[1], 3)
    assert image.std() > 5
