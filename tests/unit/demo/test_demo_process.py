"""The fleet as a process: it answers over HTTP and never outlives who started it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from costtui.cli.demo import DemoCommand
from costtui.config.load import load
from costtui.demo.configfile import write_config
from costtui.demo.fleet import Fleet
from costtui.demo.gateway import DRAIN_SCRAPES
from costtui.demo.pages import FleetServer
from costtui.demo.process import DemoError, FleetProcess
from costtui.demo.truth import Truth
from costtui.errors import UsageError

START = 1_795_340_000


def _get(url: str) -> tuple[str, str]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def _post(url: str) -> Any:
    request = urllib.request.Request(url, method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Fleet, FleetServer]]:
    fleet = Fleet(tmp_path, start=START, rate=20)
    server = FleetServer(fleet)
    yield fleet, server
    server.close()
    fleet.close()


def test_pages_are_served_as_the_gateways_label_them(served: tuple[Fleet, FleetServer]) -> None:
    fleet, server = served
    fleet.advance(START + 60)
    kind, body = _get(server.urls["kong"])
    assert kind == "text/plain; charset=UTF-8"
    assert "kong_ai_llm_cost_total{" in body
    kind, body = _get(server.urls["agentgateway-eu"])
    assert kind == "text/plain;charset=utf-8"
    assert body.endswith("# EOF\n")
    with pytest.raises(urllib.error.HTTPError) as missing:
        _get(server.urls["kong"].replace("/metrics", "/"))
    missing.value.close()
    assert missing.value.code == 404


def test_a_restarting_gateway_ends_the_connection(served: tuple[Fleet, FleetServer]) -> None:
    fleet, server = served
    fleet.advance(START + 10)
    url = server.urls["agentgateway-us"]
    _post(f"{server.control}/restart?gateway=agentgateway-us")
    for _ in range(DRAIN_SCRAPES):
        _get(url)
    fleet.advance(START + 11)
    with pytest.raises(RemoteDisconnected):
        _get(url)
    fleet.advance(START + 20)
    _get(url)


def test_control_moves_the_clock_and_tells_the_truth(served: tuple[Fleet, FleetServer]) -> None:
    fleet, server = served
    count = _post(f"{server.control}/advance?to={START + 30}")
    told = json.loads(_get(f"{server.control}/truth")[1])
    assert told["total"]["requests"] == count == fleet.truth().total.requests > 0
    assert "cost-tracking.jsonl-" in _post(f"{server.control}/rotate?how=copytruncate")
    with pytest.raises(urllib.error.HTTPError) as refused:
        _post(f"{server.control}/advance")
    refused.value.close()
    assert refused.value.code == 400


@pytest.mark.e2e
def test_a_stepped_process_is_the_same_fleet(tmp_path: Path) -> None:
    options = ("--stepped", f"--start={START}", "--days=2", "--rate=20", "--seed=4", "--no-script")
    with FleetProcess(tmp_path, *options) as process:
        assert process.wait_for_history() > 5_000
        for url in process.urls.values():
            _get(url)
        _post(f"{process.control}/advance?to={START + 120}")
        told = Truth.from_dict(json.loads(_get(f"{process.control}/truth")[1]))
        config = load(
            write_config(tmp_path, process.urls, process.pattern, process.services), env={}
        )
    here = Fleet(tmp_path / "here", start=START, days=2, rate=20, seed=4)
    here.advance(START + 120)
    here.close()
    assert told.to_dict() == here.truth().to_dict()
    assert Truth.read(tmp_path / "truth.json").total.requests > told.total.requests + 5_000
    assert [s.name for s in config.sources] == [*process.urls, "llm-proxy"]
    assert len(config.alerts) == 3
    assert config.store.path == tmp_path / "costtui.db"


@pytest.mark.e2e
@pytest.mark.parametrize("how", ["pipe", "sigterm"])
def test_the_process_ends_with_its_parent_or_by_signal(tmp_path: Path, how: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "costtui.demo.serve", "--dir", str(tmp_path), "--days", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert json.loads(child.stdout.readline())["event"] == "ready"
    if how == "pipe":
        child.stdin.close()
    else:
        os.kill(child.pid, signal.SIGTERM)
    assert child.wait(10) == 0
    assert (tmp_path / "truth.json").exists()
    child.stdin.close()
    child.stdout.close()


@pytest.mark.e2e
def test_a_taken_port_is_told(tmp_path: Path, served: tuple[Fleet, FleetServer]) -> None:
    _, server = served
    port = int(server.control.rpartition(":")[2])
    with pytest.raises(DemoError, match=r"cannot listen on 127\.0\.0\.1"):
        FleetProcess(tmp_path, f"--port-base={port}", "--days=0")


def test_keep_never_mixes_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    parser = argparse.ArgumentParser()
    command = DemoCommand()
    command.add_arguments(parser)
    with pytest.raises(UsageError, match=r"not empty \(there is mine\.txt\)"):
        command.run(parser.parse_args(["--keep", str(tmp_path)]))


@pytest.mark.parametrize("bad", ["--speed=0", "--days=-1", "--port-base=80", "--speed=x"])
def test_bad_options_are_refused(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    DemoCommand().add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args([bad])
    assert bad.partition("=")[0] in capsys.readouterr().err
