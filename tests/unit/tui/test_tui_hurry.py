"""The collector of cycles is away while costtui starts, and back after it whatever happens."""

from __future__ import annotations

import gc

import pytest

from costtui.tui import hurry


def test_it_is_away_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(gc.isenabled()))
    assert gc.isenabled()
    with hurry.starting():
        assert not gc.isenabled()
        hurry.started()
        assert gc.isenabled()
        assert frozen == [False]
    with pytest.raises(KeyError), hurry.starting():
        raise KeyError
    assert gc.isenabled()
