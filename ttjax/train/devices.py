"""Where arrays lie: the batch split over the local devices, all else on each."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec


@dataclasses.dataclass(frozen=True)
class Placement:
    """A mesh of one axis, "data", over the local devices."""

    mesh: jax.sharding.Mesh

    @property
    def everywhere(self) -> NamedSharding:
        """A whole copy on every device."""
        return NamedSharding(self.mesh, PartitionSpec())

    @property
    def split(self) -> NamedSharding:
        """The leading axis over the devices."""
        return NamedSharding(self.mesh, PartitionSpec("data"))

    def replicate(self, tree: Any) -> Any:
        """The tree on every device, in memory of its own so that it may be donated."""

        def place(leaf: Any) -> jax.Array:
            # One array may stand in two places of the tree; donating it twice fails.
            alone = jnp.array(leaf, copy=True)
            return jax.device_put(alone, self.everywhere, may_alias=False)

        return jax.tree.map(place, tree)

    def scatter(self, batch: Any) -> Any:
        """The batch over the devices; one that does not divide goes whole to each."""
        sizes = {leaf.shape[0] for leaf in jax.tree.leaves(batch)}
        divides = all(size % self.mesh.size == 0 for size in sizes)
        return jax.device_put(batch, self.split if divides else self.everywhere)

    def abstract(self, tree: Any) -> Any:
        """Shapes of replicated arrays, for restoring a checkpoint."""
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(
                leaf.shape, leaf.dtype, sharding=self.everywhere
            ),
            tree,
        )


def placement(batch_size: int, accumulate: int = 1) -> Placement:
    """The placement over all local devices.

    Raises:
        ValueError: a (micro-)batch does not divide over them.
    """
    devices = jax.local_devices()
    if (batch_size // accumulate) % len(devices):
        raise ValueError(
            f"Each device gets equal shares of a batch, {batch_size} / {accumulate} "
            f"examples do not divide over {len(devices)} devices: set `batch_size` to "
            f"a multiple of {accumulate * len(devices)}."
        )
    mesh = jax.make_mesh(
        (len(devices),), ("data",), axis_types=(AxisType.Auto,), devices=devices
    )
    return Placement(mesh)


def check_batch(batch: Any, spec: Any) -> None:
    """Checks a batch's leaves against what the task asks for.

    Raises:
        ValueError: the first leaf that differs is named.
    """
    told = jax.tree_util.tree_flatten_with_path(spec)[0]
    given = dict(jax.tree_util.tree_flatten_with_path(batch)[0])
    for path, leaf in told:
        found = given.pop(path, None)
        wanted = f"{leaf.dtype}{list(leaf.shape)}"
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        came = "nothing" if found is None else f"{found.dtype}{list(found.shape)}"
        if came != wanted:
            raise ValueError(
                f"The task needs `{name}` of {wanted} in every batch, the data gave "
                f"{came}: match `data` to `task` in the recipe."
            )
    if given:
        name = jax.tree_util.keystr(next(iter(given)), simple=True, separator=".")
        raise ValueError(
            f"The data gave `{name}`, for which the task has no use: match `data` to "
            "`task` in the recipe."
        )


def compile_ahead(
    function: Callable[..., Any], *arguments: Any, deterministic: bool, **options: Any
) -> tuple[Callable[..., Any], float]:
    """The compiled function and the seconds that took.

    deterministic: on a GPU, asks for the same bits in every run.
    options: those of `jax.jit`.
    """
    start = time.perf_counter()
    flags: dict[str, str | bool] = {}
    if deterministic and jax.default_backend() == "gpu":
        flags = {"xla_gpu_deterministic_ops": True}
    lowered = jax.jit(function, **options).lower(*arguments)
    compiled = lowered.compile(compiler_options=flags) if flags else lowered.compile()
    return compiled, time.perf_counter() - start
