"""Where things live, by the XDG base directory rules.

Nothing here reads `os.environ`: every function takes the environment, so that a test, a child
process and `sudo -u` all say whose home they mean. Nothing is created here either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def config_dir(env: Mapping[str, str]) -> Path:
    return _base(env, "XDG_CONFIG_HOME", ".config") / "costtui"


def config_file(env: Mapping[str, str]) -> Path:
    """Where the configuration is looked for when nobody names a file. It need not exist."""
    return config_dir(env) / "config.yml"


def default_store(env: Mapping[str, str]) -> Path:
    return _base(env, "XDG_DATA_HOME", ".local/share") / "costtui" / "costtui.db"


def state_dir(env: Mapping[str, str]) -> Path:
    """For what may be lost without harm: logs, the last view."""
    return _base(env, "XDG_STATE_HOME", ".local/state") / "costtui"


def themes_dir(env: Mapping[str, str]) -> Path:
    """The user's own themes, one YAML file each."""
    return config_dir(env) / "themes"


def home(env: Mapping[str, str]) -> Path:
    """`HOME`, or what the password database says where a service has no `HOME`."""
    return Path(env.get("HOME") or os.path.expanduser("~"))


def expand_home(text: str, env: Mapping[str, str]) -> str:
    """`~` and `~/x` by `env`; `~user/x` by the password database; other text as it is."""
    if text == "~" or text.startswith("~/"):
        return str(home(env)) + text[1:]
    return os.path.expanduser(text) if text.startswith("~") else text


def _base(env: Mapping[str, str], variable: str, fallback: str) -> Path:
    # A relative XDG path must be ignored, says the specification: it would name another folder
    # in each working directory.
    named = env.get(variable, "")
    return Path(named) if os.path.isabs(named) else home(env) / fallback
