"""What a file, the environment and flags become."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from costtui.config import locate
from costtui.config.load import Overrides, load, load_traced
from costtui.config.schema import (
    Config,
    Consumer,
    DisplayConfig,
    Elsewhere,
    PriceOverride,
    QueryConfig,
    Retention,
    ServiceMapping,
    SourceConfig,
    StoreConfig,
)
from costtui.errors import ConfigError
from costtui.model.charge import CostPolicy

VALID = Path(__file__).parents[2] / "fixtures" / "config" / "valid"
ENV = {"HOME": "/home/me", "LOGS": "/srv/logs", "TOKEN": "t0ken", "ONLY": "ai"}


@pytest.fixture(scope="module")
def everything() -> Config:
    return load(VALID / "everything.yml", env=ENV)


def test_store(everything: Config) -> None:
    kept = Retention(requests=7 * 86400, minute=2 * 86400, hour=30 * 86400, day=None)
    assert everything.store == StoreConfig(VALID / "data/costs.db", kept)
    assert everything.files == (VALID / "everything.yml",)


def test_jsonl_sources(everything: Config) -> None:
    log, other, *_ = everything.sources
    assert log == SourceConfig(
        name="log",
        type="jsonl",
        gateway="log",
        preset="llm-proxy",
        interval=1.0,
        paths=(
            "/home/me/logs/*.jsonl",
            "/srv/logs/**/cost.jsonl.gz",
            str(VALID / "relative.jsonl"),
        ),
        since=90 * 86400,
    )
    assert other == SourceConfig(
        name="other log",
        type="jsonl",
        gateway="log",
        role="reconcile",
        cost=CostPolicy.COMPUTED,
        interval=0.5,
        timeout=120.0,
        paths=("/var/log/x.jsonl",),
        fields={
            "time": "t",
            "scale": 0.001,
            "deep": {"list": [1, "no", "1", None, True, "${x}"]},
        },
    )


def test_metrics_sources(everything: Config) -> None:
    page, page2 = everything.sources[2:]
    assert page.url == "https://kong.internal:8001/metrics?only=ai"
    assert page.gateway == "kong"
    assert (page.interval, page.timeout) == (15.0, 10.0)
    assert [(name, value.reveal()) for name, value in page.headers] == [
        ("X-Team", "7"),
        ("Authorization", "Bearer t0ken"),
    ]
    assert page.username == "me"
    assert page.password is not None
    assert page.password.reveal() == "pass word"
    assert page.insecure
    assert page.services == (
        ("chat", ServiceMapping("anthropic", "claude")),
        ("local", ServiceMapping("ollama")),
    )
    assert page.options == {"switch": True}
    assert page2.gateway == "page 2"
    assert page2.bearer_token is not None
    assert page2.bearer_token.reveal() == "t0ken"
    assert page2.ca_file == str(VALID / "everything.yml")
    assert page2.interval == 60.0


def test_no_repr_shows_a_secret(everything: Config) -> None:
    assert "t0ken" not in repr(everything)
    assert "pass word" not in repr(everything)


def test_prices_are_as_exact_as_they_are_written(everything: Config) -> None:
    assert everything.pricing == (
        PriceOverride(
            provider="openai",
            model="GPT-4*",
            start=date(2026, 1, 1),
            until=date(2026, 7, 1),
            rates=(("input", Decimal(100)), ("cache_read", Decimal("0.01"))),
        ),
        PriceOverride(per_request=Decimal("0.00001")),
        PriceOverride(model="", free=True),
    )
    assert everything.pricing_file == VALID / "everything.yml"
    assert everything.provider_aliases == (("our-azure", "azure"),)
    assert everything.catalogue is False


def test_the_rest(everything: Config) -> None:
    assert everything.consumers == (
        ("alice", Consumer("Alice", "search", "product")),
        ("svc-*", Consumer(team="data")),
        (
            "007",
            Consumer("Bond", tags=(("env", "prod"), ("cost-center", "4711"), ("k8s.io/app", ""))),
        ),
    )
    assert everything.display == DisplayConfig("nord", "7d", 2.0, True)
    assert everything.timezone == "Europe/Berlin"


@pytest.mark.parametrize("name", ["empty", "comments", "hollow"])
def test_a_file_that_says_nothing_is_the_defaults(name: str) -> None:
    file = VALID / f"{name}.yml"
    defaults = StoreConfig(Path("/home/me/.local/share/costtui/costtui.db"))
    assert load(file, env=ENV) == Config(defaults, files=(file,))


def test_an_alias_stands_for_a_whole_value() -> None:
    a, b = load(VALID / "aliases.yml", env=ENV).sources
    assert a.services == b.services == (("chat", ServiceMapping("openai")),)


def test_a_byte_order_mark_and_windows_lines(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_bytes(b"\xef\xbb\xbftimezone: UTC\r\ndisplay:\r\n  ascii: true\r\n")
    config = load(file, env=ENV)
    assert (config.timezone, config.display.ascii) == ("UTC", True)


class TestPrecedence:
    """flag > environment > file > default"""

    FILE = "store: {path: /file.db}\ndisplay: {theme: file, window: 1h, refresh: 5, ascii: false}\n"

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "c.yml"
        path.write_text(self.FILE, encoding="utf-8")
        return path

    def test_defaults(self, tmp_path: Path) -> None:
        config = load(None, env={"HOME": str(tmp_path)})
        assert config.store.path == tmp_path / ".local/share/costtui/costtui.db"
        assert config.display == DisplayConfig()
        assert config.files == ()

    def test_file(self, file: Path) -> None:
        config = load(file, env={"HOME": "/h"})
        assert config.store.path == Path("/file.db")
        assert config.display == DisplayConfig("file", "1h", 5.0, False)

    def test_environment(self, file: Path) -> None:
        env = {
            "HOME": "/h",
            "COSTTUI_CONFIG": str(file),
            "COSTTUI_DB": "~/env.db",
            "COSTTUI_THEME": "env",
            "COSTTUI_WINDOW": "6h",
        }
        config = load(None, env=env)
        assert config.store.path == Path("/h/env.db")
        assert config.display == DisplayConfig("env", "6h", 5.0, False)

    def test_flags(self, file: Path) -> None:
        env = {"HOME": "/h", "COSTTUI_DB": "/e", "COSTTUI_THEME": "e", "COSTTUI_WINDOW": "6h"}
        flags = Overrides(Path("/flag.db"), "month", "flag", 3.0, True)
        loaded = load_traced(file, env=env, overrides=flags)
        assert loaded.config.store.path == Path("/flag.db")
        assert loaded.config.display == DisplayConfig("flag", "month", 3.0, True)
        assert loaded.origins["store.path"] == "flag --db"
        assert loaded.origins["display.refresh"] == "flag --refresh"

    def test_an_empty_variable_says_nothing(self, file: Path) -> None:
        env = {"HOME": "/h", "COSTTUI_DB": "", "COSTTUI_THEME": "", "COSTTUI_WINDOW": ""}
        assert load(file, env=env) == load(file, env={"HOME": "/h"})

    def test_the_usual_place_is_read_and_a_flag_wins_over_the_variable(self, file: Path) -> None:
        usual = file.parent / "costtui" / "config.yml"
        usual.parent.mkdir()
        usual.write_text("display: {theme: usual}\n", encoding="utf-8")
        env = {"HOME": "/h", "XDG_CONFIG_HOME": str(file.parent)}
        assert load(None, env=env).display.theme == "usual"
        assert load(file, env=env | {"COSTTUI_CONFIG": str(usual)}).display.theme == "file"

    def test_problems_name_the_flag_and_the_variable(self, file: Path) -> None:
        file.write_text("timezon: UTC\n", encoding="utf-8")
        env = {"HOME": "/h", "COSTTUI_WINDOW": "23h"}
        with pytest.raises(ConfigError) as caught:
            load(file, env=env, overrides=Overrides(refresh=0.0))
        assert str(caught.value).splitlines() == [
            f'{file}:1: timezon: unknown key (did you mean "timezone"?)',
            'COSTTUI_WINDOW: "23h" is not one of 15m, 1h, 6h, 24h, 7d, 30d, today, month'
            ' (did you mean "24h"?)',
            "--refresh: 0 is not between 0.1 and 86400 seconds",
        ]


class TestCostTrackingFile:
    """The variable of the LLM proxy: its log is read without any configuration."""

    ENV: ClassVar = {"HOME": "/h", "COST_TRACKING_FILE": "/srv/a[1]/cost.jsonl"}
    PROXY = SourceConfig(
        name="llm-proxy",
        type="jsonl",
        gateway="llm-proxy",
        preset="llm-proxy",
        interval=1.0,
        paths=("/srv/a[[]1]/cost.jsonl",),
    )

    def with_file(self, tmp_path: Path, text: str) -> tuple[SourceConfig, ...]:
        file = tmp_path / "c.yml"
        file.write_text(text, encoding="utf-8")
        return load(file, env=self.ENV).sources

    def test_without_a_file(self) -> None:
        assert load(None, env=self.ENV).sources == (self.PROXY,)

    def test_beside_other_sources(self, tmp_path: Path) -> None:
        text = "sources: [{name: k, type: metrics, preset: kong, url: http://k/metrics}]"
        sources = self.with_file(tmp_path, text)
        assert [source.name for source in sources] == ["k", "llm-proxy"]
        assert sources[1] == self.PROXY

    @pytest.mark.parametrize(
        "path", ["/srv/a[[]1]/cost.jsonl", "/srv/**/*.jsonl", "/srv/*/cost.jsonl*"]
    )
    def test_not_a_second_time_by_path(self, tmp_path: Path, path: str) -> None:
        text = f"sources: [{{name: x, type: jsonl, preset: llm-proxy, path: '{path}'}}]"
        assert len(self.with_file(tmp_path, text)) == 1

    @pytest.mark.parametrize("path", ["/srv/*.jsonl", "/srv/*/*/cost.jsonl", "/srv/a/cost.jsonl"])
    def test_a_glob_that_does_not_reach_it(self, tmp_path: Path, path: str) -> None:
        text = f"sources: [{{name: x, type: jsonl, preset: llm-proxy, path: '{path}'}}]"
        assert len(self.with_file(tmp_path, text)) == 2

    def test_not_a_second_time_by_gateway(self, tmp_path: Path) -> None:
        text = (
            "sources: [{name: x, type: metrics, preset: kong, gateway: llm-proxy,"
            " url: http://k/metrics}]"
        )
        assert len(self.with_file(tmp_path, text)) == 1

    def test_a_symbolic_link_to_a_file_that_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "real.jsonl").touch()
        link = tmp_path / "link.jsonl"
        link.symlink_to(tmp_path / "real.jsonl")
        file = tmp_path / "c.yml"
        file.write_text(
            "sources: [{name: x, type: jsonl, preset: llm-proxy, path: real.jsonl}]",
            encoding="utf-8",
        )
        env = {"HOME": "/h", "COST_TRACKING_FILE": str(link)}
        assert len(load(file, env=env).sources) == 1

    def test_a_relative_path_and_a_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        env = {"HOME": "/h", "COST_TRACKING_FILE": "logs/c.jsonl"}
        assert load(None, env=env).sources[0].paths == (f"{tmp_path}/logs/c.jsonl",)
        env["COST_TRACKING_FILE"] = "~/c.jsonl"
        assert load(None, env=env).sources[0].paths == ("/h/c.jsonl",)


class TestLocate:
    def test_defaults(self) -> None:
        env = {"HOME": "/h"}
        assert locate.config_file(env) == Path("/h/.config/costtui/config.yml")
        assert locate.default_store(env) == Path("/h/.local/share/costtui/costtui.db")
        assert locate.state_dir(env) == Path("/h/.local/state/costtui")
        assert locate.themes_dir(env) == Path("/h/.config/costtui/themes")

    def test_xdg(self) -> None:
        env = {"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d", "XDG_STATE_HOME": "/s"}
        assert locate.config_file(env) == Path("/c/costtui/config.yml")
        assert locate.default_store(env) == Path("/d/costtui/costtui.db")
        assert locate.state_dir(env) == Path("/s/costtui")
        assert locate.themes_dir(env) == Path("/c/costtui/themes")

    @pytest.mark.parametrize("relative", ["", "data", "./data", "~/data"])
    def test_a_relative_xdg_path_is_ignored(self, relative: str) -> None:
        env = {"HOME": "/h", "XDG_DATA_HOME": relative}
        assert locate.default_store(env) == Path("/h/.local/share/costtui/costtui.db")

    def test_home_expansion(self) -> None:
        assert locate.expand_home("~", {"HOME": "/h"}) == "/h"
        assert locate.expand_home("~/x", {"HOME": "/h"}) == "/h/x"
        assert locate.expand_home("a~/x", {"HOME": "/h"}) == "a~/x"
        assert locate.expand_home("~root/x", {"HOME": "/h"}) != "/h/x"


def test_a_prometheus_is_told_what_other_sources_count(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    file.write_text(
        """\
sources:
  - {name: page, type: metrics, preset: kong, url: "http://localhost:8001/metrics"}
  - {name: tls, type: metrics, preset: kong, url: "https://Kong.internal/metrics", gateway: edge}
  - {name: log, type: jsonl, preset: llm-proxy, path: x}
  - {name: seen, type: jsonl, preset: llm-proxy, path: y, gateway: edge, role: reconcile}
  - {name: fleet, type: prometheus, preset: kong, url: "http://p:9090", match: " {job='k',} "}
  - {name: rates, type: prometheus, url: "http://p:9090", queries: [{query: up, quantity: cost}]}
""",
        encoding="utf-8",
    )
    page, tls, log, seen, fleet, rates = load(file, env=ENV).sources
    assert [source.elsewhere for source in (page, tls, log, seen)] == [()] * 4
    others = (
        Elsewhere("page", "page", "127.0.0.1:8001"),
        Elsewhere("tls", "edge", "kong.internal:443"),
        Elsewhere("log", "log", ""),
    )
    # What names its gateways by a label counts no gateway of its own name.
    assert fleet.elsewhere == (*others, Elsewhere("rates", "rates", ""))
    assert rates.elsewhere == others
    assert fleet.match == "job='k'"
    assert (fleet.gateway_labels, rates.gateway_labels) == (("instance",), ())
    assert fleet.since == rates.since == 30 * 86400
    assert rates.queries == (QueryConfig("up", "cost"),)


def test_a_page_that_is_only_compared_has_the_name_that_counts(tmp_path: Path) -> None:
    file = tmp_path / "c.yml"
    page = "type: metrics, preset: kong, role: reconcile"
    file.write_text(
        f"""\
sources:
  - {{name: one, {page}, url: "http://localhost:8001/metrics"}}
  - {{name: two, {page}, url: "http://10.1.2.3:8001/metrics"}}
  - {{name: own, {page}, url: "http://10.1.2.4:8001/metrics", gateway: mine}}
  - name: fleet
    type: prometheus
    preset: kong
    url: http://p:9090
    gateway_labels: [instance]
    gateways: {{"10.1.*": europe}}
""",
        encoding="utf-8",
    )
    gateways = [source.gateway for source in load(file, env=ENV).sources]
    assert gateways == ["127.0.0.1:8001", "europe", "mine", "fleet"]
