"""Client certificates and Unix sockets, against real servers on this machine."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from costtui.config.schema import Secret, SourceConfig
from costtui.errors import SourceError, SourceUnreachableError
from costtui.sources.metrics.http import Fetcher

PAGE = b"a_total 1\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities; a server of the first; a client of each; one key encrypted."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program")
    folder = tmp_path_factory.mktemp("pki")

    def openssl(*argv: str) -> None:
        subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    for ca in ("ca", "other"):
        openssl("req", "-x509", *curve, "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.pem",
                "-subj", f"/CN={ca}", "-days", "2")  # fmt: skip
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        openssl("req", *curve, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")  # fmt: skip
        signer = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial")
        openssl("x509", "-req", "-in", f"{name}.csr", *signer, "-extfile", "san", "-days", "2",
                "-out", f"{name}.pem")  # fmt: skip
    openssl(
        "ec", "-in", "client.key", "-aes256", "-passout", "pass:open sesame", "-out", "locked.key"
    )
    both = (folder / "client.pem").read_text() + (folder / "client.key").read_text()
    (folder / "both.pem").write_text(both)
    return folder


@asynccontextmanager
async def serving(
    tls: ssl.SSLContext | None = None, path: Path | None = None
) -> AsyncIterator[Any]:
    """A server of PAGE; yields its URL and the heads of the requests that came."""
    heads: list[str] = []
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()

    if path is not None:
        listener = await asyncio.start_unix_server(handle, str(path), ssl=tls)
        url = "http://kong.internal/metrics"
    else:
        listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
        port = listener.sockets[0].getsockname()[1]
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/metrics"
    try:
        yield url, heads
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        for _ in range(10):
            await asyncio.sleep(0)  # transports close in the loop's next turns


def mutual(pki: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    context.load_verify_locations(pki / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    return context


async def fetch(url: str, **more: Any) -> bytes:
    fetcher = Fetcher(SourceConfig("s", "metrics", "g", url=url, **{"timeout": 5.0, **more}))
    try:
        return (await fetcher.fetch()).body()
    finally:
        await fetcher.close()


@pytest.mark.parametrize(
    "identity",
    [
        {"cert_file": "client.pem", "key_file": "client.key"},
        {"cert_file": "both.pem"},
        {"cert_file": "client.pem", "key_file": "locked.key", "key_password": "open sesame"},
    ],
)
@pytest.mark.parametrize("insecure", [False, True])
async def test_a_client_certificate_opens_the_page(
    pki: Path, identity: dict[str, str], insecure: bool
) -> None:
    password = identity.get("key_password")
    files = {key: str(pki / name) for key, name in identity.items() if key != "key_password"}
    more: dict[str, Any] = {"insecure": True} if insecure else {"ca_file": str(pki / "ca.pem")}
    if password:
        more["key_password"] = Secret(password)
    async with serving(mutual(pki)) as (url, _):
        assert await fetch(url, **files, **more) == b"\n" + PAGE


@contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[str]:
    """A server whose handshake fails. In a thread: asyncio's drops the alert that says why."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        try:
            for _ in range(4):
                raw, _ = listener.accept()
                with raw, suppress(OSError):  # the handshake, which is to fail
                    secure = context.wrap_socket(
                        raw, server_side=True, do_handshake_on_connect=False
                    )
                    with suppress(ssl.SSLError):
                        secure.do_handshake()
                    plain = socket.socket(fileno=secure.detach())
                    plain.settimeout(10)
                    plain.shutdown(socket.SHUT_WR)
                    while plain.recv(4096):
                        pass  # closing with unread bytes would reset, and take the alert with it
                    plain.close()
        except OSError:
            pass  # the test is over

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/metrics"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "client certificate"),
        ("stranger", "it does not accept our client certificate (cert_file)"),
    ],
)
async def test_a_refused_client_is_told_why(
    pki: Path, version: ssl.TLSVersion, name: str, words: str
) -> None:
    files = {"cert_file": f"{pki}/{name}.pem", "key_file": f"{pki}/{name}.key"} if name else {}
    with refusing(mutual(pki, version)) as url, pytest.raises(SourceUnreachableError) as caught:
        await fetch(url, ca_file=str(pki / "ca.pem"), **files)
    assert words in str(caught.value)


async def test_an_unknown_authority_is_told(pki: Path) -> None:
    async with serving(mutual(pki)) as (url, _):
        with pytest.raises(SourceUnreachableError, match="not trusted"):
            await fetch(url, ca_file=str(pki / "other.pem"))
        with pytest.raises(SourceUnreachableError, match="for another name"):
            await fetch(url.replace("127.0.0.1", "localhost"), ca_file=str(pki / "ca.pem"))


@pytest.mark.parametrize(
    ("files", "password", "words"),
    [
        (("client.pem", "server.key"), "", "is not the key of cert_file"),
        (("client.pem", "locked.key"), "", "key_password is missing: the key is encrypted"),
        (("client.pem", "locked.key"), "hunter2", "key_password is wrong"),
        (("client.pem", "san"), "", "cannot be read as a private key"),
        (("client.pem", ""), "", "cannot be read as a certificate with its key"),
        (("nothing.pem", "client.key"), "", "No such file"),
    ],
)
async def test_files_that_do_not_fit(
    pki: Path, files: tuple[str, str], password: str, words: str
) -> None:
    cert, key = (str(pki / name) if name else "" for name in files)
    secret = Secret(password) if password else None
    with pytest.raises(SourceUnreachableError) as caught:
        await fetch("https://127.0.0.1:1/", cert_file=cert, key_file=key, key_password=secret)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_renewed_certificate_is_taken_up(pki: Path, tmp_path: Path) -> None:
    mine = {"cert_file": str(tmp_path / "c.pem"), "key_file": str(tmp_path / "c.key")}

    def install(name: str) -> None:
        shutil.copy(pki / f"{name}.pem", mine["cert_file"])
        shutil.copy(pki / f"{name}.key", mine["key_file"])

    install("stranger")
    async with serving(mutual(pki)) as (url, _):
        more: dict[str, Any] = {"url": url, "ca_file": str(pki / "ca.pem"), **mine}
        config = SourceConfig("s", "metrics", "g", **more)
        fetcher = Fetcher(config)
        with pytest.raises(SourceError):
            await fetcher.fetch()
        install("client")
        assert (await fetcher.fetch()).body() == b"\n" + PAGE
        await fetcher.close()


async def test_tls_on_a_unix_socket(pki: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    mine = {"cert_file": str(pki / "client.pem"), "key_file": str(pki / "client.key")}
    async with serving(mutual(pki), path) as (_, heads):
        page = await fetch(
            "https://127.0.0.1/metrics", unix_socket=str(path), ca_file=str(pki / "ca.pem"), **mine
        )
    assert page == b"\n" + PAGE
    assert len(heads) == 1


async def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    async with serving(path=path) as (url, heads):
        assert await fetch(url, unix_socket=str(path)) == b"\n" + PAGE
    assert heads[0].startswith("GET /metrics HTTP/1.1\r\nHost: kong.internal\r\n")
    with pytest.raises(SourceUnreachableError, match="there is no unix_socket"):
        await fetch(url, unix_socket=str(tmp_path / "none.sock"))
    (tmp_path / "dead.sock").write_text("")
    with pytest.raises(SourceUnreachableError, match="connection refused"):
        await fetch(url, unix_socket=str(tmp_path / "dead.sock"))
