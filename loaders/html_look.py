"""Whether a reader of the page would see an element, as far as it and the page's own style sheets say so.

Where a page gives no colour for what is behind a text, none is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from docindex.loaders.html_sheets import StyleSheets

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(px|pt|em|rem|ex|ch|vw|vh|in|cm|mm|%)?")
_HEX = re.compile(r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+([\d.]+%?))?\s*\)")
_NOTHING_LEFT = re.compile(r"rect\((?:\s*0(?:px)?[\s,]*){4}\)|inset\(\s*(?:50|100)%.*\)|circle\(\s*0(?:px)?\s*\)")
_FAR = {"px": 500.0, "pt": 400.0, "em": 40.0, "rem": 40.0, "ex": 80.0, "ch": 80.0, "%": 99.0, "vw": 99.0, "vh": 99.0,
        "in": 5.0, "cm": 12.0, "mm": 120.0}  # fmt: skip
_NAMES = {"white": "ffffff", "black": "000000", "red": "ff0000", "lime": "00ff00", "green": "008000", "blue": "0000ff",
          "yellow": "ffff00", "cyan": "00ffff", "aqua": "00ffff", "magenta": "ff00ff", "fuchsia": "ff00ff",
          "gray": "808080", "grey": "808080", "silver": "c0c0c0", "snow": "fffafa", "ivory": "fffff0",
          "whitesmoke": "f5f5f5"}  # fmt: skip
_CLEAR = "transparent"


@dataclass(frozen=True, slots=True)
class Look:
    """What an element hands down to those in it."""

    color: str | None = None
    behind: str | None = None
    """The colour of the nearest background that is declared."""
    tiny: bool = False
    """The font has no size."""
    invisible: bool = False

    @property
    def unseen(self) -> bool:
        """Text with this look can't be read."""
        same = self.color is not None and self.color in (self.behind, _CLEAR)
        return same or self.tiny or self.invisible


def look_of(around: Look, tag: str, attributes: Mapping[str, str | None], sheets: StyleSheets) -> Look | None:
    """The look of an element with these attributes, or None if neither it nor anything in it is seen."""
    said = sheets.said_of(tag, attributes)
    if not (attributes or said):
        return around
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return None
    look = around
    if (behind := _color(attributes.get("bgcolor") or "")) is not None:
        look = replace(look, behind=behind)
    if (color := _color(attributes.get("color") or attributes.get("text") or "")) is not None:
        look = replace(look, color=color)
    declared = _declarations(attributes.get("style") or "")
    declared |= {name: value for name, (value, important) in said.items() if important or name not in declared}
    return _styled(look, declared) if declared else look


def _styled(look: Look, style: Mapping[str, str]) -> Look | None:
    if _takes_all_away(style):
        return None
    if (visibility := style.get("visibility")) is not None:
        look = replace(look, invisible=visibility in ("hidden", "collapse"))
    if (size := _number(style.get("font-size", ""))) is not None:
        look = replace(look, tiny=size[0] == 0)
    elif "font-size" in style:
        look = replace(look, tiny=False)
    background = style.get("background-color") or style.get("background")
    if background is not None:
        look = replace(look, behind=_background(background, look.behind))
    if (color := style.get("color")) is not None and color not in ("inherit", "unset"):
        look = replace(look, color=_color(color))
    return look


def _takes_all_away(style: Mapping[str, str]) -> bool:
    """Whether the element is not drawn at all, or where nobody sees it."""
    if style.get("display") == "none" or style.get("content-visibility") == "hidden":
        return True
    opacity = _number(style.get("opacity", ""))
    if opacity is not None and opacity[0] == 0:
        return True
    placed = style.get("position") in ("absolute", "fixed")
    if placed and any(_is_far_off(style.get(side, "")) for side in ("left", "top", "right", "bottom")):
        return True
    if placed and _NOTHING_LEFT.match(style.get("clip", "")):
        return True
    if _NOTHING_LEFT.match(style.get("clip-path", "")) or _is_far_off(style.get("text-indent", "")):
        return True
    cut_off = style.get("overflow") in ("hidden", "clip")
    sizes = (_number(style.get(side, "")) for side in ("height", "width", "max-height", "max-width"))
    return cut_off and any(size is not None and size[0] == 0 for size in sizes)


def _declarations(style: str) -> dict[str, str]:
    """The properties and their values, in lower case; of several for one property, the last."""
    found: dict[str, str] = {}
    for declaration in _COMMENT.sub(" ", style).lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            found[name.strip()] = value.replace("!important", "").strip()
    return found


def _number(value: str) -> tuple[float, str] | None:
    """The number, and its unit."""
    found = _NUMBER.fullmatch(value)
    return (float(found[1]), found[2] or "px") if found else None


def _is_far_off(value: str) -> bool:
    amount = _number(value)
    return amount is not None and amount[0] <= -_FAR[amount[1]]


def _color(value: str) -> str | None:
    """The colour as six digits, "transparent", or None if it can't be told."""
    value = value.strip().lower()
    if value in _NAMES or value == _CLEAR:
        return _NAMES.get(value, _CLEAR)
    if _HEX.fullmatch(value):
        digits = value[1:]
        if len(digits) < 6:
            digits = "".join(digit * 2 for digit in digits)
        return _CLEAR if digits[6:] == "00" else digits[:6]
    if rgb := _RGB.fullmatch(value):
        if rgb[4] is not None and float(rgb[4].rstrip("%") or 0) == 0:
            return _CLEAR
        return "".join(f"{min(int(part), 255):02x}" for part in rgb.group(1, 2, 3))
    return None


def _background(value: str, around: str | None) -> str | None:
    """The colour behind what is in an element with this background."""
    if value in ("none", "inherit", "unset", "initial", _CLEAR):
        return around
    if "url(" in value or "gradient(" in value:
        return None
    colors = (_color(word) for word in (value, *value.split()))
    found = next((color for color in colors if color is not None), None)
    return around if found == _CLEAR else found
