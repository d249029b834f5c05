"""`python -m ttjax.datasets build NAME …`: arguments and printing only."""

import dataclasses
import sys
from collections.abc import Sequence

from ttjax import mains

from . import building, options


def build(arguments: Sequence[str]) -> int:
    """Builds what `tfds build` would, with its flags and a few more."""
    from tensorflow_datasets.scripts.cli import build as tfds_build
    from tensorflow_datasets.scripts.cli import cli_utils

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Args(tfds_build.Args):
        """Builds data sets; where no `--config` is given, the first of each."""

        workers: int = 1
        """Clips extracted at once; the number of CPU cores is a good choice."""
        skip_bad: bool = False
        """Leave out clips that cannot be read, and report them."""
        hidden: str = ""
        """Of tracknet: a ball marked not visible is `unknown` or `absent`."""

    parse = cli_utils.make_flags_parser(Args, "Builds data sets without TensorFlow.")
    args = parse(["build", *map(underscored, arguments)])
    chosen = options.Options(
        workers=args.workers,
        skip_bad=args.skip_bad,
        beam=bool(args.generation.beam_pipeline_options),
    )
    named = [*args.positional_datasets, *args.datasets]
    generation = dataclasses.replace(
        args.generation, imports=building.modules(named, args.generation.imports)
    )
    if args.hidden:
        generation = dataclasses.replace(generation, config=f"hidden_{args.hidden}")
    paths = [] if args.generation.config or args.hidden else named
    args = dataclasses.replace(
        args,
        generation=generation,
        positional_datasets=building.with_config(paths) or named,
        datasets=[],
    )
    with options.using(chosen):
        args.execute()
    return 0


def underscored(argument: str) -> str:
    """`--manual-dir=a-b` as TFDS spells it: `--manual_dir=a-b`."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the command line and builds."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    usage = (
        f"usage: python -m ttjax.datasets build NAME [--help]; NAME: {building.names()}"
    )
    if arguments[:1] in (["-h"], ["--help"]):
        print(usage)
        return 0
    if arguments[:1] != ["build"]:
        print(usage, file=sys.stderr)
        return mains.EXIT_CODE
    return build(arguments[1:])


if __name__ == "__main__":
    sys.exit(mains.guarded(main))
