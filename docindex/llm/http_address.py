"""Where a server is, and which of its models is meant."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self

import httpx2

from docindex.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """An address such as `http://localhost:8080/v1#model-name`, taken apart."""

    api: httpx2.URL
    """What `/chat/completions` is put after."""
    model: str
    """Empty where the server is to say."""

    @classmethod
    def is_one(cls, name: str) -> bool:
        """Whether the name of a model is an address."""
        return name.lower().startswith(("http://", "https://"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address in its parts.

        Raises:
            ConfigError: It is none, or has a user name or password in it.
        """
        cure = "give it as http://HOST:PORT/v1#MODEL"
        try:
            url = httpx2.URL(text.strip())
        except (httpx2.InvalidURL, UnicodeError) as error:
            raise ConfigError(f"The address of the model can't be read ({error}): {cure}.") from error
        if url.userinfo:
            raise ConfigError(f"The address of the model has a login in it: {cure}, and set DOCINDEX_LLM_KEY.")
        if url.scheme not in ("http", "https") or not url.host or url.query or not _is_port(url.port):
            raise ConfigError(f"{text} is no address of a model: {cure}.")
        path = url.path.rstrip("/") or "/v1"
        return cls(url.copy_with(path=path, fragment=None), url.fragment)

    def beside(self, path: str) -> httpx2.URL:
        """The address of what the server offers outside of `/v1`, such as `/props`."""
        base = self.api.path.removesuffix("/v1")
        return self.api.copy_with(path=f"{base}{path}")

    def within(self, path: str) -> httpx2.URL:
        """The address of a part of the OpenAI-compatible interface, such as `/models`."""
        return self.api.copy_with(path=f"{self.api.path}{path}")

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine: asking it is no use of the network."""
        if self.api.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.api.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.api}#{self.model}" if self.model else str(self.api)


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port < 65536
