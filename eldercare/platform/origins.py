"""Where a page comes from: addresses as browsers write them, so that the same one is always the same text. Pure."""

from urllib.parse import urlsplit, urlunsplit

import idna

DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(url: str) -> str:
    """The address with scheme and host in small letters, the host in ASCII, and no port where it is the usual one.

    Raises ValueError for what is no address of a web page.
    """
    parts = urlsplit(url.strip())
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise ValueError("must start with http:// or https://")
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.username is not None:
        raise ValueError("must name no user")
    host = _ascii(parts.hostname)
    port = "" if parts.port in (None, DEFAULT_PORTS[scheme]) else f":{parts.port}"
    return urlunsplit((scheme, f"{host}{port}", parts.path, parts.query, ""))


def origin(url: str) -> str | None:
    """Scheme, host and port of an address, normalised; None for what is no address, such as `null`."""
    try:
        parts = urlsplit(normalised(url))
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _ascii(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("ascii").decode().lower()
    except UnicodeEncodeError:
        try:
            return idna.encode(host, uts46=True).decode()
        except idna.IDNAError as error:
            raise ValueError(f"has a host that is no name: {error}") from error
