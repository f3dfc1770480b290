"""TLS towards a page: whom to trust, and who we are."""

from __future__ import annotations

import ssl

from costtui.config.files import must_be_file
from costtui.config.schema import SourceConfig
from costtui.errors import SourceUnreachableError


def context(config: SourceConfig) -> ssl.SSLContext:
    """What `ca_file`, `insecure`, `cert_file`, `key_file` and `key_password` come to. Raises
    SourceUnreachableError with the key whose file is wrong, and never with what is in it."""
    try:
        made = ssl.create_default_context(cafile=config.ca_file or None)
    except OSError:
        raise SourceUnreachableError(
            f"ca_file {config.ca_file}: cannot be read as PEM certificates"
        ) from None
    if config.insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if config.cert_file:
        _identify(made, config)
    return made


def _identify(made: ssl.SSLContext, config: SourceConfig) -> None:
    """Load the client's certificate and key."""
    for name, path in (("cert_file", config.cert_file), ("key_file", config.key_file)):
        try:
            if path:
                must_be_file(path)
        except OSError as error:
            raise SourceUnreachableError(f"{name} {path}: {error.strerror or error}") from None
    secret = config.key_password.reveal() if config.key_password else ""
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        return secret

    key = "key_file" if config.key_file else "cert_file"
    path = config.key_file or config.cert_file
    try:
        # Always given: without one OpenSSL would ask for it on the terminal.
        made.load_cert_chain(config.cert_file, config.key_file or None, password)
    except ssl.SSLError as error:
        reason = (error.reason or "").upper()
        if "MISMATCH" in reason:
            text = f"is not the key of cert_file {config.cert_file}"
        elif asked:
            wrong = "is wrong" if secret else "is missing: the key is encrypted"
            text = f"key_password {wrong}"
        elif key == "cert_file":
            text = "cannot be read as a certificate with its key (PEM)"
        else:
            text = "cannot be read as a private key (PEM)"
        raise SourceUnreachableError(f"{key} {path}: {text}") from None
    except (OSError, ValueError):
        raise SourceUnreachableError(f"{key} {path}: cannot be used") from None


def refusal(error: BaseException | None) -> str:
    """Why TLS failed, as one clause, or "" for another failure. The reason may be wrapped."""
    text = ""
    while error is not None:
        text += str(error).lower() + " "
        error = error.__cause__ or error.__context__
    if "certificate required" in text or "certificate_required" in text:
        return "it wants a client certificate (cert_file, key_file)"
    alert = "alert" in text
    if alert and any(w in text for w in ("unknown ca", "unknown_ca", "bad certificate", "expired")):
        return "it does not accept our client certificate (cert_file)"
    if "hostname mismatch" in text or "ip address mismatch" in text:
        return "its TLS certificate is for another name"
    if "certificate has expired" in text:
        return "its TLS certificate has expired"
    if "certificate" in text:
        return "its TLS certificate is not trusted (ca_file, or insecure: true)"
    if alert or "eof occurred" in text:
        return "it broke off the TLS handshake; does it want a client certificate (cert_file)?"
    if "ssl" in text:
        return "it does not speak TLS; is the URL http:// rather than https://?"
    return ""
