"""Named PyTorch tensors, moved one by one to where our models have them."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ttjax.typing import Variables

_PREFIXES = ("module.", "model.")
_BOOKKEEPING = ("num_batches_tracked",)


def bare(
    state: Mapping[str, np.ndarray], ignored: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """The tensors under their own names, without prefixes and without bookkeeping.

    ignored: ends of further names that are left out.
    """
    stripped = {_stripped(name): np.asarray(value) for name, value in state.items()}
    ends = (*_BOOKKEEPING, *ignored)
    return {n: v for n, v in stripped.items() if not n.endswith(ends)}


class Transfer:
    """Takes tensors by their PyTorch names and puts them under ours.

    Kernels change from (out, in, h, w) to (h, w, in, out).
    """

    def __init__(self, state: Mapping[str, np.ndarray]):
        """Starts with no tensor taken; `state` as `bare` gives it."""
        self.state = state
        self.used: set[str] = set()
        self.variables: Variables = {"params": {}, "batch_stats": {}}

    def take(self, name: str) -> np.ndarray:
        """A tensor that has its place.

        Raises:
            ValueError: the file lacks it.
        """
        if name not in self.state:
            part = name.split(".")[0]
            near = sum(other.split(".")[0] == part for other in self.state)
            raise ValueError(
                f"The config needs the tensor {name!r}, the file lacks it (it has "
                f"{near} names under {part!r}): leave that part out of the config or "
                "give it the size of the file's, or use other weights."
            )
        self.used.add(name)
        return self.state[name]

    def put(self, path: str, value: np.ndarray, *, into: str = "params") -> None:
        """Places a value at a path such as "stem/conv/kernel", in float32."""
        *folders, leaf = path.split("/")
        tree: dict[str, Any] = self.variables[into]
        for folder in folders:
            tree = tree.setdefault(folder, {})
        tree[leaf] = np.ascontiguousarray(value, np.float32)

    def conv(self, ours: str, theirs: str, bias: bool = False) -> None:
        """A convolution, transposed or not."""
        self.put(f"{ours}/kernel", self.take(f"{theirs}.weight").transpose(2, 3, 1, 0))
        if bias:
            self.put(f"{ours}/bias", self.take(f"{theirs}.bias"))

    def norm(self, ours: str, theirs: str) -> None:
        """A BatchNorm with its running statistics."""
        self.put(f"{ours}/scale", self.take(f"{theirs}.weight"))
        self.put(f"{ours}/bias", self.take(f"{theirs}.bias"))
        for name, statistic in (("mean", "running_mean"), ("var", "running_var")):
            value = self.take(f"{theirs}.{statistic}")
            self.put(f"{ours}/{name}", value, into="batch_stats")

    def dense(self, ours: str, theirs: str, map_hw: tuple[int, ...] = ()) -> None:
        """A fully connected layer.

        map_hw: of the map whose flattening it takes, which is (c, h, w) there and
            (h, w, c) here; empty where it takes no map.
        """
        weight = self.take(f"{theirs}.weight")
        if map_hw:
            weight = weight.reshape(len(weight), -1, *map_hw).transpose(0, 2, 3, 1)
        self.put(f"{ours}/kernel", weight.reshape(len(weight), -1).T)
        self.put(f"{ours}/bias", self.take(f"{theirs}.bias"))

    def check_leftovers(self, unasked: tuple[str, ...]) -> None:
        """Checks that all tensors have found a place.

        unasked: starts of names that need none.

        Raises:
            ValueError: some have not.
        """
        left = sorted(
            name
            for name in self.state
            if name not in self.used and not name.startswith(unasked)
        )
        if left:
            raise ValueError(
                f"Every tensor has a place in the network, {len(left)} have none, "
                f"first {left[:3]}: these are the weights of another network."
            )


def check_shapes(found: Variables, expected: Variables, *, remedy: str) -> None:
    """Checks that two trees have the same paths and shapes.

    Raises:
        ValueError: they differ; the first path is named, and `remedy` after it.
    """
    theirs, ours = _shapes(found), _shapes(expected)
    wrong = [
        f"{path}: {theirs.get(path, 'none')} where {ours.get(path, 'none')} belongs"
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path)
    ]
    if wrong:
        raise ValueError(
            f"The weights have the shapes of the config, {len(wrong)} have not, first "
            f"{wrong[0]}: {remedy}."
        )


def _stripped(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _shapes(tree: Variables) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        "/".join(str(key.key) for key in path): tuple(leaf.shape)
        for path, leaf in leaves
    }
