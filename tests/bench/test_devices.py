import jax
import pytest

from bench import devices


def test_the_device_is_told(capsys):
    devices.use(None)
    told = capsys.readouterr().out
    assert jax.devices()[0].platform in told
    on_cpu = jax.default_backend() == "cpu"
    assert ("no accelerator" in told) is on_cpu


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="there is an accelerator")
def test_a_device_that_is_not_there_is_one_line():
    with pytest.raises(SystemExit, match="'cuda' is not") as error:
        devices.use("cuda")
    assert "\n" not in str(error.value)
    assert devices.NAMES == ("cpu", "cuda")
