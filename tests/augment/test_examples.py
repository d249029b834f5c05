import jax
import jax.numpy as jnp
import numpy as np

from ttjax.augment import examples


def test_each_example_is_changed_alone_with_all_that_belongs_to_it():
    images = jnp.arange(24.0).reshape(4, 3, 2)
    shifts = {"x": jnp.arange(4.0)}

    def change(image, shift):
        return image + shift["x"], shift["x"] * 2

    run = jax.jit(lambda a, b: examples.each(change, a, b))
    for changed, doubled in (
        run(images, shifts),
        examples.each(change, images, shifts),
    ):
        expected = [image + n for n, image in enumerate(np.asarray(images))]
        np.testing.assert_array_equal(changed, np.stack(expected))
        np.testing.assert_array_equal(doubled, 2 * np.arange(4.0))


def test_each_uses_a_key_of_its_own_per_example():
    keys = jax.random.split(jax.random.key(0), 3)
    got = examples.each(lambda key: jax.random.uniform(key), keys)
    np.testing.assert_array_equal(got, jax.vmap(jax.random.uniform)(keys))
