"""The model card: what weights are, what they saw, what they can and cannot do."""

from collections.abc import Mapping, Sequence
from typing import Any

from ttjax import registry

LIMITS = (
    "They saw pictures that a simulator drew, and no real one; nothing is claimed "
    "beyond what they were scored on.",
    "Cameras, frame rates and halls that the simulator does not draw are new to them.",
)
"""Of all weights that ship."""


def text(config: Mapping[str, Any], *, limits: Sequence[str] = ()) -> str:
    """The card as Markdown.

    config: `config.json` of the weights. limits: further ones, a sentence each.
    """
    name, licence = config["name"], config["licence"]
    parts = [
        f"---\nlicense: {licence.lower()}\nlibrary_name: ttjax\n---",
        f"# {name}",
        config["about"]
        or "Weights of ttjax, trained on pictures that its simulator draws.",
        _uses(name),
        _section("What it is", _facts(config)),
        _section("Data and training", _training(config)),
        "## Scores",
        *(_scores(one) for one in config["scores"]),
    ]
    if not config["scores"]:
        parts.append("Not scored.")
    parts.append(_section("Limits", [*LIMITS, *limits]))
    parts.append(
        f"## Licence\n\n{licence}. Nothing that went into these weights is of anyone "
        "else: pictures and labels were drawn by the simulator of ttjax."
    )
    return "\n\n".join(parts) + "\n"


def size_mb(config: Mapping[str, Any]) -> float:
    """Of all files of weights, in 10^6 bytes."""
    return sum(stamp["bytes"] for stamp in config["files"].values()) / 1e6


def minutes(config: Mapping[str, Any]) -> str:
    """The time of training in words."""
    seconds = config["seconds"]
    if seconds is None:
        return "not recorded"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def table(scores: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of an evaluation's scores, all as texts."""
    head = ["metric", "value", "95 % interval", "constant", "n"]
    rows = []
    for metric, score in scores.items():
        bounds = [_number(score.get(side)) for side in ("low", "high")]
        interval = " to ".join(bounds) if all(bounds) else ""
        value, constant = _number(score["value"]), _number(score.get("baseline"))
        rows.append([metric, value, interval, constant, f"{score['n']:.0f}"])
    return head, rows


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 1.0005 else f"{value:.2f}"


def _uses(name: str) -> str:
    return (
        "```\n"
        f'predictor = ttjax.load("{name}")\n'
        f"python -m ttjax.video analyse CLIP --checkpoint {name} --out DIR\n"
        f"python -m ttjax.train RECIPE --init {name}\n"
        "```"
    )


def _section(title: str, facts: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {fact}" for fact in facts)


def _facts(config: Mapping[str, Any]) -> list[str]:
    window, files = config["window"], len(config["files"])
    task = config["recipe"]["task"]
    return [
        f"Task `{task[registry.TYPE]}`, from {window['frames']} frames at stride "
        f"{window['stride']}; losses: {', '.join(task.get('loss_terms', ()))}.",
        f"{config['parameters']:,} numbers in bfloat16, {size_mb(config):.1f} MB in "
        f"{files} safetensors file{'s' if files > 1 else ''}; computed in float32, or "
        "as asked for.",
        "Averaged over the last steps (EMA)." if config["ema"] else "Of the last step.",
    ]


def _training(config: Mapping[str, Any]) -> list[str]:
    recipe = config["recipe"]
    begun = config["begun_from"]
    versions = ", ".join(f"{name} {v}" for name, v in config["versions"].items())
    batch = recipe.get("batch_size")
    return [
        f"Source: `{config['source']}` ({', '.join(config['sources'])}); no real "
        "picture, no real label.",
        f"Settings of the data: `{_settings(recipe['data'])}`.",
        f"{config['step']:,} steps"
        + (f" of {batch} examples" if batch else "")
        + f", {minutes(config)}; seed {config['seed']}"
        + (f"; began from {begun}." if begun else "; began from random weights."),
        f"Versions: {versions}." if versions else "Versions: not recorded.",
    ]


def _settings(value: Any) -> str:
    """An encoded configuration in one line: `Cached(data=Simulation(fps=120.0))`."""
    if isinstance(value, list):
        return f"({', '.join(map(_settings, value))})"
    if isinstance(value, dict) and registry.TYPE in value:
        fields = (
            f"{key}={_settings(item)}"
            for key, item in value.items()
            if key != registry.TYPE
        )
        return f"{value[registry.TYPE]}({', '.join(fields)})"
    return str(value)


def _scores(one: Mapping[str, Any]) -> str:
    head, rows = table(one["scores"])
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    drawn = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    sizes, rates = ", ".join(one["sizes"]), ", ".join(one["rates"])
    return (
        f"### {one['title']}\n\n{drawn}\n\n"
        f"Of {one['scored']}; {one['recordings']} recordings, {one['frames']} frames "
        f"of {sizes} px at {rates} frames/s; windows: {one['sampling']}. Intervals are "
        "over recordings; `constant` is the best constant predictor."
    )
