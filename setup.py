"""Names the packages: those of `ttjax/`, and those of `data/` as `ttjax.datasets`.

Everything else is declared in pyproject.toml, which cannot express this mapping.
"""

import setuptools

setuptools.setup(
    package_dir={"ttjax": "ttjax", "ttjax.datasets": "data"},
    packages=[
        *setuptools.find_packages(include=["ttjax", "ttjax.*"]),
        "ttjax.datasets",
        *(f"ttjax.datasets.{name}" for name in setuptools.find_packages("data")),
    ],
)
