"""`python -m ttjax.pipeline cache DIR`: decodes prepared records once.

Training finds what is decoded and reads it instead of the records, with the same
samples bit for bit.
"""

import pathlib
import sys
from collections.abc import Sequence

from ttjax import mains
from ttjax.pipeline.stack_records import StackRecords
from ttjax.pipeline.stack_set import StackSet
from ttjax.samples import Split


def cache(
    data: pathlib.Path,
    /,
    splits: tuple[Split, ...] = ("train", "validation"),
    threads: int = 2,
) -> None:
    """Decodes prepared records into memory-mapped files in the cache directory.

    A stack of nine frames takes 3.9 MB. What is already decoded stays.

    Args:
        data: Folder of the prepared records, or one above it.
        splits: Those that have records are decoded.
        threads: Decoders.
    """
    records = StackRecords(data, threads=threads)
    built = StackSet(data)
    for split in splits:
        if built.count(split):
            print(f"{built.name} {split}: {records.decode(split)}")


def main(argv: Sequence[str] | None = None) -> None:
    """Does what the command line names."""
    import tyro

    tyro.extras.subcommand_cli_from_dict(
        {"cache": cache}, args=argv, prog="python -m ttjax.pipeline"
    )


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
