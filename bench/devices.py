"""Which device a benchmark runs on."""

import os

import jax

NAMES = ("cpu", "cuda")
"""What may be asked for."""


def use(name: str | None) -> None:
    """Makes a kind of device the default and says what it is; None: JAX's own choice.

    To be called before anything is put on a device.

    Raises:
        SystemExit: there is no such device, with one line that says so.
    """
    if name == "cpu":
        # Before JAX looks for devices: an accelerator is then left alone.
        jax.config.update("jax_platforms", "cpu")
    try:
        found = jax.devices(name)
    except RuntimeError:
        kinds = sorted({device.platform for device in jax.devices()})
        raise SystemExit(
            f"error: a benchmark runs on a device that is there, {name!r} is not "
            f"(JAX finds {', '.join(kinds)}): leave --device out, or install the JAX "
            "of that device."
        ) from None
    if found[0].platform != jax.default_backend():
        raise SystemExit(
            f"error: JAX computes on {jax.default_backend()} by default, asked was "
            f"{name!r}: unset JAX_PLATFORMS."
        )
    device = found[0]
    print(f"running on {len(found)} x {device.platform} {device.device_kind}", end="")
    if device.platform == "cpu":
        cores = len(os.sched_getaffinity(0))
        print(f" with {cores} cores: no accelerator is used", end="")
    print(flush=True)
