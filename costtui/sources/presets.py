"""Metric presets: data files of mappings, one a gateway. A new gateway is a YAML file.

A source's `fields:` has the same shape. Given with a preset it is laid over it: keys of mappings
replace keys, and a metric replaces the preset's metric that has its first name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from costtui.config.schema import SourceConfig
from costtui.errors import ConfigError, Problem
from costtui.model.charge import CostPolicy
from costtui.sources.metrics.faults import Faults, nearest
from costtui.sources.metrics.options import check_options, settle
from costtui.sources.metrics.shape import Shape
from costtui.sources.metrics.shape_reader import read_shape

DIRECTORY = Path(__file__).with_name("presets")


def names() -> list[str]:
    """Every metric preset there is."""
    return sorted(path.stem for path in DIRECTORY.glob("*.yml"))


def text(name: str) -> str:
    """The file of a preset. Raises KeyError for an unknown name."""
    if name not in names():
        raise KeyError(name)
    return (DIRECTORY / f"{name}.yml").read_text(encoding="utf-8")


def data(name: str) -> dict[str, Any]:
    """A preset as YAML data. Raises KeyError for an unknown name."""
    import yaml

    loaded: dict[str, Any] = yaml.safe_load(text(name))
    return loaded


def load(name: str) -> Shape:
    """A built-in preset as it is written, without options. Raises KeyError for an unknown name."""
    faults = Faults()
    shape = read_shape(data(name), faults)
    if faults.found:
        raise ConfigError([Problem(f"preset {name}", 0, *fault) for fault in faults.found])
    return shape


def overlay(base: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` laid over `base`."""
    merged = dict(base)
    for key, value in fields.items():
        old = merged.get(key)
        if key == "metrics" and isinstance(old, list) and isinstance(value, list):
            new = {_first_name(metric) for metric in value}
            merged[key] = [m for m in old if _first_name(m) not in new] + value
        elif isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = overlay(old, value)
        else:
            merged[key] = value
    return merged


def _first_name(metric: Any) -> str:
    name = metric.get("name") if isinstance(metric, Mapping) else None
    return str(name[0] if isinstance(name, list) and name else name)


def shape_of(config: SourceConfig) -> Shape:
    """What a metrics source counts: its preset, its `fields:`, or one over the other. Raises
    ConfigError with everything that is wrong."""
    where = f"source {config.name}"
    problems: list[Problem] = []
    base: dict[str, Any] = {}
    if config.preset:
        try:
            base = data(config.preset)
        except KeyError:
            hint = nearest(config.preset, names()) or f": there are {', '.join(names())}"
            problems.append(
                Problem(where, 0, "preset", f"no metrics preset {config.preset!r}{hint}")
            )
    elif not config.fields:
        problems.append(Problem(where, 0, "preset", "needs a preset or fields"))
    faults = Faults()
    shape = Shape()
    if not problems:
        shape = read_shape(overlay(base, config.fields), faults, "fields" if config.fields else "")
    problems += [Problem(where, 0, *fault) for fault in faults.found]
    if not problems:
        priced = config.cost is not CostPolicy.REPORTED
        for fault in check_options(shape, config.options, tokens_priced=priced):
            problems.append(Problem(where, 0, *fault))
    if problems:
        raise ConfigError(problems)
    return settle(shape, config.options)
