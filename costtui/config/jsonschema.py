"""`costtui config schema`: the keys as JSON Schema (draft 2020-12), for editors.

It says what one value may be. What keys mean beside each other (two sources for one gateway,
`until` before `from`) only `config check` can say.
"""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any

from costtui.config.alert_keys import ALERT, BUDGET, NOTIFIER
from costtui.config.alert_schema import MEASURES
from costtui.config.keys import PRICE, ROOT
from costtui.config.kinds import ENV_SCHEMA, Bool, Kind
from costtui.config.presets import preset_types
from costtui.config.schema import RATE_KEYS
from costtui.config.secret import Secret
from costtui.config.sections import Free, Key, ListOf, MapOf, Preset, Section, Shape
from costtui.config.source_keys import SOURCE

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file, as plain values for `json.dumps`."""
    env = {
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}",
        "description": "Filled in from the environment: ${NAME}.",
    }
    return {
        "$schema": DIALECT,
        "title": "costtui configuration",
        **_section(ROOT),
        "$defs": {"env": env},
    }


def _section(section: Section) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": ["object", "null"] if not _required(section) else "object",
        "additionalProperties": False,
        "properties": {key.name: _key(section, key) for key in section.keys},
    }
    if _required(section):
        made["required"] = _required(section)
    if section.choices:
        made["allOf"] = [_chosen(section, choice) for choice in section.choices]
    if section is ALERT:
        alone = {key.name: False for key in ALERT.keys if key.name != "preset"}
        made["allOf"].append({"if": {"required": ["preset"]}, "then": {"properties": alone}})
        made["oneOf"] = [{"required": [name]} for name in (*MEASURES, "preset")]
    if section is BUDGET:
        made["not"] = {"required": ["period", "rolling"]}
    if section is SOURCE:
        made["anyOf"] = [{"required": [name]} for name in ("preset", "fields", "queries")]
    if section is PRICE:
        rates: dict[str, Any] = {"anyOf": [{"required": [rate]} for rate in RATE_KEYS]}
        made["oneOf"] = [
            rates,
            {"required": ["per_request"]},
            {"required": ["free"], "properties": {"free": {"not": {"const": False}}}},
        ]
    return made


def _required(section: Section) -> list[str]:
    return [key.name for key in section.keys if key.required]


def _chosen(section: Section, choice: str) -> dict[str, Any]:
    """Keys of another type or measure are not allowed; what this one needs is required."""
    then: dict[str, Any] = {
        "properties": {key.name: False for key in section.keys if section.foreign(key, choice)}
    }
    if section is ALERT:
        then["required"] = ["name"] if MEASURES[choice].window else ["name", "window"]
        return {"if": {"required": [choice]}, "then": then}
    if choice == "jsonl":
        then["oneOf"] = [{"required": ["path"]}, {"required": ["paths"]}]
    elif section is NOTIFIER and choice != "command":
        then["oneOf"] = [{"required": ["url"]}, {"required": ["url_file"]}]
    else:
        then["required"] = ["command" if section is NOTIFIER else "url"]
    return {"if": {"properties": {"type": {"const": choice}}}, "then": then}


def _key(section: Section, key: Key) -> dict[str, Any]:
    made = {"description": key.doc, **_shape(key.kind)}
    default = section.default(key)
    if isinstance(key.kind, Kind) and key.default is None and default is not MISSING:
        if isinstance(key.kind, Bool):
            made |= {} if default is None else {"default": default}
        elif default not in (None, "") and not isinstance(default, Secret):
            made["default"] = key.kind.render(default).strip('"')
    return made


def _shape(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, Preset):
        return {"anyOf": [{"enum": sorted(preset_types())}, ENV_SCHEMA]}
    if isinstance(shape, Kind):
        return shape.schema()
    if isinstance(shape, Section):
        return _section(shape)
    if isinstance(shape, ListOf):
        if shape.single:
            item = _shape(shape.item)
            return {"anyOf": [item, {"type": "array", "items": item}]}
        return {"type": ["array", "null"], "items": _shape(shape.item)}
    made: dict[str, Any] = {"type": ["object", "null"]}
    if isinstance(shape, MapOf):
        made["additionalProperties"] = _shape(shape.item)
        names = shape.key.schema()
        if "anyOf" in names:  # a choice; a key is never filled in from the environment
            made["propertyNames"] = names["anyOf"][0]
        elif "pattern" in names:
            made["propertyNames"] = names
    else:
        assert isinstance(shape, Free)
    return made
