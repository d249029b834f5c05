"""Simulation as data: training batches, validation batches, whole recordings."""

import concurrent.futures
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import jax
import numpy as np

from ttjax.samples import Clip, ClipSpec, Source, Split
from ttjax.sim import actors, sample
from ttjax.sim import camera as rigs
from ttjax.sim.recording import SimulatedRecording, setting, stream_key
from ttjax.sim.renderer import Renderer
from ttjax.sim.sample import Hall

SPLITS = {"train": 0, "validation": 1, "test": 2}
"""Streams of keys that never meet: first fold of every key."""
LEAD_S = 10.0
"""Play that a recording may leave out before its first frame."""


@functools.lru_cache(maxsize=8)
def renderer(spec: ClipSpec, hall: Hall):
    """The same object for the same arguments: it keeps its compiled programs."""
    return Renderer(spec, hall)


class Generator:
    """An endless `Source` of simulated batches; its position is a counter."""

    def __init__(
        self,
        render: Callable[..., Any],
        *,
        prepare: Callable[..., Any],
        batch_size: int,
        stream: int,
        seed: int,
        threads: int,
        per_key: int = 1,
        variety: Callable[[int], float] | None = None,
    ):
        """`threads` parts of a batch are rendered at once.

        render: a compiled function of some keys, `per_key` samples a function of each.
        prepare: compiles it, from the same arguments.
        variety: of the batch of a number, a second argument of both functions.
        """
        if batch_size % per_key:
            raise ValueError(
                f"A key gives {per_key} samples, a batch holds {batch_size}: choose a "
                "multiple."
            )
        self._render, self._prepare, self._variety = render, prepare, variety
        self._keys, self._stream, self._seed = batch_size // per_key, stream, seed
        self._parts = threads if self._keys % threads == 0 else 1
        self._counter, self._ready = 0, False

    def next_batch(self) -> Any:
        """The next batch: the same for the same seed and counter on the same device."""
        key = stream_key(self._stream, self._seed, self._counter)
        keys = jax.random.split(key, self._keys)
        more = ()
        if self._variety is not None:
            more = (np.float32(self._variety(self._counter)),)
        self._counter += 1
        parts = keys.reshape(self._parts, -1)
        if not self._ready:
            # One thread compiles, the others would only repeat it.
            self._prepare(parts[0], *more)
            self._ready = True
        if self._parts == 1:
            return jax.block_until_ready(self._render(keys, *more))

        def part(keys) -> Any:
            return jax.tree.map(np.asarray, self._render(keys, *more))

        with concurrent.futures.ThreadPoolExecutor(self._parts) as pool:
            batches = list(pool.map(part, parts))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *batches)

    def state(self) -> dict[str, Any]:
        """Seed and number of batches given."""
        return {"seed": self._seed, "batches": self._counter}

    def restore(self, state: dict[str, Any]) -> None:
        """Returns to a saved position.

        Raises ValueError for a stream of another seed.
        """
        if state["seed"] != self._seed:
            raise ValueError(
                f"This stream has seed {self._seed}, the saved position belongs to "
                f"seed {state['seed']}: set the recipe's seed to it or begin a new run."
            )
        self._counter = int(state["batches"])


@dataclasses.dataclass(frozen=True)
class Simulation:
    """Simulated rallies as `ttjax.samples.Data`.

    sizes, rigs, fps, variety, stacks_per_hall: see `ttjax.sim.sample.Hall`; samples
        draw from them, recordings take them in turn.
    seconds: length of a recording. validation_recordings, test_recordings: how many.
    validation_batches: how many batches `validation` gives.
    ramp_batches: training batches over which `variety` grows from 0 to its full value;
        0: it is full from the first.
    masks_every: frames between two labelled masks of a recording.
    threads: parts of a batch that are rendered at once on a CPU.
    """

    sizes: tuple[tuple[int, int], ...] = (rigs.SOURCE_HW,)
    rigs: tuple[str, ...] = ("side",)
    fps: tuple[float, float] = (120.0, 120.0)
    variety: float = 0.0
    stacks_per_hall: int = 4
    seconds: float = 4.0
    train_recordings: int = 4
    validation_recordings: int = 1
    test_recordings: int = 3
    validation_batches: int = 4
    ramp_batches: int = 0
    masks_every: int = 12
    threads: int = 2

    label_convention: ClassVar[str] = actors.LABEL_CONVENTION
    """What its labels of the ball mean."""

    @property
    def hall(self) -> Hall:
        """What is drawn, and the way of painting that suits the default device."""
        return Hall(
            sizes=tuple((height, width) for height, width in self.sizes),
            rigs=tuple(self.rigs),
            fps=(self.fps[0], self.fps[1]),
            variety=self.variety,
            tiled=jax.default_backend() == "cpu",
            stacks_per_hall=self.stacks_per_hall,
        )

    def train(self, spec: ClipSpec, *, batch_size: int, seed: int) -> Source:
        """Endless batches."""
        ramp = self.variety_of if self.ramp_batches else None
        return self._generator(spec, batch_size, SPLITS["train"], seed, ramp)

    def validation(self, spec: ClipSpec, *, batch_size: int) -> Iterator[Clip]:
        """The same batches at every call, from rallies that are in no other split."""
        source = self._generator(spec, batch_size, SPLITS["validation"], 0)
        for _ in range(self.validation_batches):
            yield source.next_batch()

    def variety_of(self, batch: int) -> float:
        """That of the training batch of a number."""
        return self.variety * (
            min(1.0, batch / self.ramp_batches) if self.ramp_batches else 1.0
        )

    def _generator(self, spec, batch_size, stream, seed, variety=None) -> Generator:
        hall = self.hall
        if batch_size % hall.stacks_per_hall:
            hall = dataclasses.replace(hall, stacks_per_hall=1)
        sample.check(spec, hall)
        render = renderer(spec, hall)
        return Generator(
            render,
            prepare=render.compile,
            variety=variety,
            batch_size=batch_size,
            stream=stream,
            seed=seed,
            threads=max(1, self.threads if hall.tiled else 1),
            per_key=hall.stacks_per_hall,
        )

    def recordings(self, split: Split) -> Iterator[SimulatedRecording]:
        """Untrimmed recordings, rendered while they are read.

        Each begins anywhere in the first `LEAD_S` of a play: a play begins with a
        serve, of whose toss a short recording would hold several times its share.
        """
        counts = {
            "train": self.train_recordings,
            "validation": self.validation_recordings,
            "test": self.test_recordings,
        }
        for number in range(counts[split]):
            _, _, fps = setting(self.hall, number)
            random = np.random.default_rng((SPLITS[split], number))
            yield SimulatedRecording(
                name=f"{split}_{number + 1}",
                key=stream_key(3 + SPLITS[split], number),
                hall=self.hall,
                count=round(self.seconds * fps),
                lead=int(random.integers(round(LEAD_S * fps))),
                number=number,
                masks_every=self.masks_every,
                threads=self.threads,
            )
