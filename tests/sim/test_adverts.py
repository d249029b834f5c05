import numpy as np

from ttjax.sim import adverts


def test_every_letter_of_every_word_has_a_glyph_and_fits():
    for word in adverts.WORDS:
        assert len(word) <= adverts.COLUMNS
        assert set(word) <= set(adverts.GLYPHS)
    shapes = {glyph for name, glyph in adverts.GLYPHS.items() if name != " "}
    assert len(shapes) == len(adverts.GLYPHS) - 1


def test_the_atlas_shows_the_dots_of_a_word():
    atlas = adverts.atlas()
    levels, words, rows, columns = atlas.shape
    assert (levels, words) == (adverts.LEVELS, len(adverts.WORDS))
    assert rows == adverts.ROWS * adverts.FINE
    assert columns == adverts.DOTS * adverts.FINE
    assert atlas.min() >= 0.0
    assert atlas.max() <= 1.0
    word = adverts.WORDS.index("TOPSPIN CUP")
    ink = atlas[0, word]
    centre = adverts.FINE / 2
    left = (adverts.DOTS - 6 * len("TOPSPIN CUP") + 1) // 2
    # The T: its bar, its stem, and nothing beside the stem.
    slope = adverts.STEEP[0]

    def at(row, column):
        y = int((adverts.MARGIN + row) * adverts.FINE + centre)
        x = int((left + column) * adverts.FINE + centre)
        return 0.5 + slope * (ink[y, x] - 0.42)

    assert at(0, 2) > 0.5
    assert at(4, 2) > 0.5
    assert at(4, 0) < 0.3
    assert len(adverts.STEEP) == adverts.LEVELS


def test_softer_levels_hold_the_same_ink_and_less_contrast():
    atlas = adverts.atlas()
    total = atlas.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(total, total[0], rtol=0.03)
    assert (np.diff(atlas.std(axis=(1, 2, 3))) < 0).all()
    assert (atlas[:, adverts.WORDS.index("")] == 0.0).all()


def test_packed_texels_carry_their_neighbours():
    level = np.round(255.0 * adverts.atlas()[1, 4]).astype(int)
    packed = adverts.packed()[1, 4].astype(int)
    for row, column in ((8, 20), (12, 31), (3, 3)):
        corners = [packed[row, column] >> k & 255 for k in (0, 8, 16, 24)]
        around = level[row : row + 2, column : column + 2].reshape(-1)
        np.testing.assert_array_equal(corners, around)
