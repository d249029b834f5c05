"""Small networks of both families, with numbers as after training."""

from tests import brightest
from ttjax.deepsportlab import config as deepsportlab_config
from ttjax.deepsportlab import task as deepsportlab_task
from ttjax.deepsportlab.decoder import Decoder
from ttjax.predictor import Predictor
from ttjax.samples import Window
from ttjax.ttnet import config as ttnet_config
from ttjax.ttnet import task as ttnet_task

SIZE = (80, 96)


def ttnet_task_of(make=ttnet_config.nano, **fields):
    sizes = {"frame_hw": (64, 64), "crop_hw": (64, 64), "canvas_margin": (0, 0)}
    config = make(window=Window(3), width=0.25, **(sizes | fields))
    return ttnet_task.Task(config=config)


def ttnet(make=ttnet_config.nano, dtype="float32", **fields):
    return trained(ttnet_task_of(make, **fields), dtype).network


def deepsportlab():
    config = deepsportlab_config.nano(image_hw=(65, 97), players=4)
    decoder = Decoder(players=4, queries=8, sources=32)
    return trained(deepsportlab_task.Task(config=config, decoder=decoder)).network


def trained(task, dtype="float32"):
    variables = brightest.drawn(task.config.abstract_variables())
    return Predictor(task, variables, dtype=dtype)
