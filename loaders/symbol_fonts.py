"""Fonts whose characters are pictures: what they show for a byte, which no encoding of text tells."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "\ufffd"
"""Stands where a font shows something that no character is known for: better than the letter at its place."""

PRIVATE: Final = range(0xF000, 0xF100)
"""Where Unicode text puts the bytes of such fonts: 0x6D is U+F06D."""

_SYMBOL = dict(
    enumerate(
        " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
        0x20,
    )
) | dict(
    enumerate(
        "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…│─↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\ufffd⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
        0xA0,
    )
)
"""Adobe's encoding of the font Symbol."""
_WINGDINGS = {0x20: " ", 0x28: "☎", 0x2A: "✉", 0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑",
              0x72: "❒", 0x75: "◆", 0x76: "❖", 0x77: "⬥", 0x9F: "•", 0xA7: "▪", 0xA8: "◻", 0xAB: "★", 0xD8: "➢",
              0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE7: "←", 0xE8: "→", 0xE9: "↑", 0xEA: "↓", 0xEF: "⇦",
              0xF0: "⇨", 0xF1: "⇧", 0xF2: "⇩", 0xF3: "⬄", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"}  # fmt: skip
"""Bullets, ticks, arrows, and the faces that Word makes of `:)`."""
_WINGDINGS_2 = {0x20: " ", 0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x97: "●", 0xA2: "■", 0xA3: "□"}

_FONTS = {
    "symbol": _SYMBOL,
    "symbolmt": _SYMBOL,
    "standardsymbolsl": _SYMBOL,
    "wingdings": _WINGDINGS,
    "wingdings2": _WINGDINGS_2,
    **{name: {0x20: " "} for name in ("wingdings3", "webdings", "zapfdingbats", "marlett", "mtextra")},
}


def is_symbol_font(font: str) -> bool:
    """Whether the letters of text in that font are not what the font shows."""
    return _key(font) in _FONTS


def symbol(font: str, code: int) -> str:
    """The character that the font shows for a byte, or for where Unicode puts it; `UNKNOWN` if none is known."""
    code = code - PRIVATE.start if code in PRIVATE else code
    return _FONTS.get(_key(font), {}).get(code, UNKNOWN)


def in_symbol_font(font: str, text: str) -> str:
    """The text with what stands for bytes of the font as what it shows; all other characters as they are."""
    if text.isprintable() or not is_symbol_font(font):  # private characters are not printable
        return text
    return "".join(symbol(font, ord(character)) if ord(character) in PRIVATE else character for character in text)


def _key(font: str) -> str:
    return "".join(font.lower().split())
