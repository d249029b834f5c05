from ttjax.sim import preview


def test_a_sheet_has_one_row_for_each_sample(spec, small_hall):
    image = preview.sheet(preview.key_of(0), 2, spec, small_hall)
    height, width = spec.frame_hw
    assert image.shape == (2 * height, 2 * width + spec.frame_hw[1], 3)
    assert image.std() > 5
    assert preview.SPEC.canvas_hw == (preview.SPEC.frame_hw[0], 360)
