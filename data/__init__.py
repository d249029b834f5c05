"""Data sets: one TFDS builder a folder. Installed as `ttjax.datasets`."""
