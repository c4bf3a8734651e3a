"""What a site's robots.txt allows, by RFC 9309.

Source: RFC 9309, Robots Exclusion Protocol, sections 2.2 (rules) and 2.3.1 (what an answer's status means).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protego import Protego

from docindex.ingest.transfer import Failed, Received

_LONGEST = 500 * 1024
"""Bytes of a robots.txt that are looked at; the RFC asks for no fewer."""


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What a crawler may do on one site (scheme, host and port)."""

    unreachable: str | None = None
    """Why the rules are not known, so that the whole site is left alone."""
    crawl_delay: float = 0.0
    """Seconds between requests that the site asks for."""
    _rules: Protego | None = field(default=None, repr=False)
    _agent: str = ""

    def refusal(self, url: str) -> str | None:
        """Why a page is not to be fetched, or None when it may be."""
        if self.unreachable:
            return self.unreachable
        if self._rules is not None and not self._rules.can_fetch(url, self._agent):
            return f"the site's robots.txt rules it out for {self._agent}"
        return None


def site_rules(answer: Received | Failed, agent: str) -> SiteRules:
    """The rules that the answer to a request for robots.txt sets.

    No such file (400 to 499) allows all. A server error or no answer allows nothing, since the owner's wish is not
    known; being asked to slow down (429) is read as that too.
    """
    if isinstance(answer, Failed):
        if answer.status is not None and 400 <= answer.status < 500 and answer.status != 429:
            return SiteRules()
        if answer.status is None:
            return SiteRules(unreachable=answer.reason)
        return SiteRules(unreachable=f"its site is left alone because of its robots.txt: {answer.reason}")
    with answer.path.open("rb") as file:
        text = file.read(_LONGEST).decode("utf-8-sig", "replace")
    rules = Protego.parse(text)
    rate = rules.request_rate(agent)
    delay = rules.crawl_delay(agent) or 0.0
    if rate is not None and rate.requests > 0:
        delay = max(delay, rate.seconds / rate.requests)
    return SiteRules(crawl_delay=delay, _rules=rules, _agent=agent)
