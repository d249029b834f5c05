"""DeepSportLab as a task: what trainer, evaluator and predictor may know of it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from ttjax.augment import examples
from ttjax.deepsportlab import curves, decode, findings, oracles, overlay, targets
from ttjax.deepsportlab.arrays import Inputs, Outputs, Predictions
from ttjax.deepsportlab.augmentation import Augment
from ttjax.deepsportlab.backbones import EPSILON
from ttjax.deepsportlab.config import Config
from ttjax.deepsportlab.decode import Decoder
from ttjax.deepsportlab.evaluator import BALL, MASKS, POSES, Evaluator, Truncation
from ttjax.deepsportlab.losses import Paper, Released, head_of
from ttjax.deepsportlab.scales import InstanceScale, PaperScale
from ttjax.deepsportlab.targets import Targets
from ttjax.losses.term import Term
from ttjax.nn import folding
from ttjax.samples import Window
from ttjax.scenes import Scene, SceneSpec
from ttjax.typing import PRNGKey, Variables


@dataclasses.dataclass(frozen=True)
class Task:
    """A DeepSportLab with its data, targets, losses and metrics.

    loss_terms: heads to train; empty means all heads of the config. "semantic" and
        "offset" are the two halves of "masks", to be weighted each on its own.
    scale: how large points are, in the targets.
    teach_covered: whether a joint behind somebody else is taught, as in the paper. On
        his mask it competes with a joint of his own of the same kind.
    ball_threshold: score from which on the ball's best candidate is a ball, in records
        and pictures; scores sweep over all.
    """

    config: Config = Config()
    loss_terms: tuple[str, ...] = ()
    loss: Released | Paper = Released()
    scale: InstanceScale | PaperScale = InstanceScale()
    teach_covered: bool = True
    augmentation: Augment = Augment()
    decoder: Decoder = Decoder()
    ball_threshold: float = 0.3

    def __post_init__(self):
        """Fills in the loss terms and checks them.

        Raises:
            ValueError: a term of a head that is switched off, or another number of rows
                in the decoder than in the config.
        """
        if not self.loss_terms:
            object.__setattr__(self, "loss_terms", tuple(self.config.heads))
        heads = self.config.heads
        missing = [name for name in self.loss_terms if head_of(name) not in heads]
        if missing:
            raise ValueError(
                f"Every loss term belongs to a head, got {missing} beside the heads "
                f"{heads}: add them to `heads` or drop the terms."
            )
        if self.decoder.players != self.config.players:
            raise ValueError(
                "Labels and answers have the same rows, got "
                f"players={self.config.players} in the config and "
                f"{self.decoder.players} in the decoder: set both alike."
            )

    @property
    def window(self) -> Window:
        """One picture."""
        return self.sample.window

    @property
    def sample(self) -> SceneSpec:
        """Pictures of the network's size."""
        return SceneSpec(image_hw=self.config.image_hw, players=self.config.players)

    def spec(self, batch_size: int) -> Scene:
        """`jax.ShapeDtypeStruct`s of a batch."""
        return self.sample.batch(batch_size)

    def augment(self, key: PRNGKey, batch: Scene) -> Scene:
        """Changes examples at random: each with one draw for all of its pixels."""
        keys = jax.random.split(key, batch.image.shape[0])
        return examples.each(self.augmentation.one, keys, batch)

    def inputs(
        self, batch: Scene, key: PRNGKey | None, progress: Float[Array, ""]
    ) -> Inputs:
        """The pictures; no label is read, in training or not."""
        to_source = batch.to_source
        if to_source is None:
            to_source = jnp.ones((batch.image.shape[0], 2), jnp.float32)
        return Inputs(
            image=jnp.asarray(batch.image),
            valid_hw=jnp.asarray(batch.valid_hw),
            to_source=jnp.asarray(to_source),
        )

    def targets(self, batch: Scene, outputs: Outputs) -> Targets:
        """What the heads should say."""
        config, labels = self.config, _labelled(batch)
        return targets.build(
            labels,
            jnp.asarray(batch.valid_hw),
            pif_stride=config.pif_stride,
            map_stride=config.map_stride,
            heads=config.heads,
            classes=config.classes,
            heat=config.has_centre_heat,
            scale=self.scale,
            teach_covered=self.teach_covered,
        )

    def losses(self, outputs: Outputs, targets: Targets) -> Mapping[str, Term]:
        """One term per name of `loss_terms`."""
        return self.loss.terms(outputs, targets, self.loss_terms)

    def metrics(self, outputs: Outputs, batch: Scene) -> Mapping[str, Any]:
        """Accumulators named `head/metric`, in pixels of the picture."""
        own = dataclasses.replace(batch, to_source=None)
        inputs = self.inputs(own, None, jnp.ones(()))
        return curves.accumulators(
            outputs,
            decode.predictions(outputs, inputs, self.decoder),
            _labelled(batch),
            classes=self.config.classes,
            stride=self.config.map_stride,
        )

    def decode(self, outputs: Outputs, inputs: Inputs) -> Predictions:
        """Answers in source pixels."""
        return decode.predictions(outputs, inputs, self.decoder)

    def for_inference(
        self, variables: Variables, dtype: str | None
    ) -> tuple["Task", Variables]:
        """The task and the variables that give the same answers faster.

        BatchNorms are folded into the kernels; the normalisation of colours is not: the
        first convolution pads what is normalised, and its border would change.
        """
        config: Any = self.config
        if dtype is not None:
            config = dataclasses.replace(config, compute_dtype=dtype)
        folded = folding.fold(variables, epsilon=EPSILON)
        cast = folding.cast_kernels(folded, config.compute_dtype)
        return dataclasses.replace(self, config=config), cast

    def records(
        self, predictions: Predictions
    ) -> Sequence[Sequence[tuple[int, dict[str, Any]]]]:
        """Per example `ball` and `players` (`findings.record`), of the frame itself."""
        host: Any = jax.tree.map(np.asarray, predictions)
        return [
            [(0, findings.record(host, index, ball_threshold=self.ball_threshold))]
            for index in range(len(host.present))
        ]

    def overlay(
        self, batch: Scene, predictions: Predictions
    ) -> Sequence[UInt8[np.ndarray, "_ _ 3"]]:
        """The first examples with findings in one colour and labels in another."""
        return overlay.pictures(
            batch,
            predictions,
            stride=self.config.map_stride,
            ball_threshold=self.ball_threshold,
        )

    def evaluator(self) -> Evaluator:
        """A fresh evaluator on the host, of the heads that are on."""
        config = self.config
        measures = [Truncation()]
        if "parts" in config.heads and config.has_offsets:
            measures = [*POSES, *measures]
        if config.has_offsets and "centre" in config.heads:
            measures = [*MASKS, *measures]
        if "ball" in config.heads or "ball" in config.classes:
            measures = [*BALL, *measures]
        return Evaluator(measures=tuple(measures), stride=config.map_stride)

    def oracles(self) -> Mapping[str, Evaluator]:
        """Evaluators of answers with a part replaced by the truth, by what it is."""
        own = self.evaluator()
        return {
            name: Evaluator(measures=own.measures, stride=own.stride, swap=swap)
            for name, swap in oracles.SWAPS.items()
        }


def _labelled(batch: Scene) -> Any:
    if batch.labels is None:
        raise ValueError(
            "Training and scores need labels, got scenes without any: give labelled "
            "data."
        )
    return batch.labels
