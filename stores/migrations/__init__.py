"""Numbered steps from an empty database to this version's registry; each runs once, recorded in its transaction."""

from __future__ import annotations

import pkgutil


def known_migrations() -> dict[int, str]:
    """The modules of the migrations, by number."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    return {int(name[1:4]): name for name in names if name[:1] == "m" and name[1:4].isdigit()}
