"""Text with `format=flowed`: paragraphs that a mail program broke into lines, made whole again.

Source: RFC 3676.
"""

from __future__ import annotations

_SIGNATURE = "-- "


def unflow(text: str, *, delete_space: bool) -> str:
    """The text with each paragraph on one line. Quoted ones keep one mark for each time that they were quoted.

    Args:
        text: As it was sent, with single line ends.
        delete_space: The space at the end of a line that goes on is no part of the text (`DelSp=yes`).
    """
    lines: list[str] = []
    depth, open_line = 0, False
    for line in text.split("\n"):
        content = line.lstrip(">")
        quoted = len(line) - len(content)
        content = content.removeprefix(" ")
        if open_line and quoted == depth and content != _SIGNATURE:
            lines[-1] = (lines[-1][:-1] if delete_space else lines[-1]) + content
        else:
            lines.append(f"{'>' * quoted} {content}" if quoted and content else ">" * quoted + content)
        depth, open_line = quoted, content.endswith(" ") and content != _SIGNATURE
    return "\n".join(line if line == _SIGNATURE else line.rstrip(" ") for line in lines)
