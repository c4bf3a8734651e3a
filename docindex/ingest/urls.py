"""Web addresses in normal form, so that one page has one name."""

from __future__ import annotations

import httpx2

from docindex.errors import LoadError

_LONGEST = 8000


def normalised(url: str) -> str:
    """The address as locations and names have it: no fragment, lower-case host, no default port.

    Raises:
        LoadError: It is no address of a web page, or has a user name or password in it.
    """
    return str(usable(url))


def usable(url: str) -> httpx2.URL:
    """As `normalised`, taken apart."""
    if len(url) > _LONGEST:
        raise LoadError(f"{url[:80]}...", f"is an address of more than {_LONGEST:,} characters")
    try:
        parsed = httpx2.URL(url.strip())
        parsed.raw_host.decode("ascii")
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise LoadError(_without_login(url), f"is not a usable address: {error}") from error
    if parsed.scheme not in ("http", "https"):
        raise LoadError(url, "is not an http or https address")
    if parsed.userinfo:
        raise LoadError(_without_login(url), "has a user name or password in it, which would end up in the index")
    port = parsed.port
    if not parsed.host or "%" in parsed.host or (port is not None and not 0 < port < 65536):
        raise LoadError(url, "is not a usable address: it has no valid host and port")
    if port == {"http": 80, "https": 443}[parsed.scheme]:
        parsed = parsed.copy_with(port=None)
    # The raw path: `path` is decoded, and %2F is not the same as a slash.
    return parsed.copy_with(fragment=None, raw_path=parsed.raw_path)


def joined(base: httpx2.URL, location: str) -> httpx2.URL:
    """Where a redirect leads.

    Raises:
        LoadError: Nowhere that may be read.
    """
    try:
        return usable(str(base.join(location)))
    except (httpx2.InvalidURL, ValueError) as error:
        raise LoadError(str(base), f"redirects to what is not a usable address: {error}") from error
    except LoadError as error:
        raise LoadError(str(base), f"redirects to {error.source}, which {error.reason}") from error


def site(url: httpx2.URL) -> str:
    """What pages of one site share: their host, with or without `www.`, by either scheme."""
    return url.host.removeprefix("www.")


def _without_login(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
