"""Text of generated Python that comes from a spec: string literals, documentation, comments.

Nothing that a spec says can end a string, a docstring or a comment, or smuggle in characters that a reader does not
see.
"""

from __future__ import annotations

import textwrap

WIDTH = 120


def string(text: str) -> str:
    """A Python string literal, in the quotes that `ruff format` prefers."""
    quote = "'" if '"' in text and "'" not in text else '"'
    escaped = "".join(_escape(c) if c in ("\\", quote) or _is_hidden(c) else c for c in text)
    return f"{quote}{escaped}{quote}"


def _escape(character: str) -> str:
    if character in ("\\", '"', "'"):
        return "\\" + character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_hidden(character: str) -> bool:
    """Whether a character does not show, or not where it stands: controls, bidirectional formats, separators but the
    space, surrogates, what is unassigned."""
    return not character.isprintable()


def documentation(text: str, indent: int) -> str:
    """Lines of a docstring at `indent`, without the quotes; the first line is not indented.

    Quotes and backslashes are escaped, hidden characters spelled out, lines and paragraphs kept, long lines wrapped."""
    lines = [visible(line.strip()) for line in text.replace("\r\n", "\n").split("\n")]
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    wrapped = [piece for line in kept for piece in (_wrapped(line, WIDTH - indent - 8) or [""])]
    return "\n".join(" " * indent + line if line else "" for line in wrapped).strip()


def _wrapped(line: str, width: int) -> list[str]:
    """The line in pieces that fit once they are escaped, which at most doubles them."""
    pieces = [_escaped(piece) for piece in textwrap.wrap(line, width)]
    if all(len(piece) <= width for piece in pieces):
        return pieces
    return [_escaped(piece) for piece in textwrap.wrap(line, width // 2)]


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"', '\\"')


def visible(text: str) -> str:
    """`text` on one line, hidden characters spelled out, safe in a comment."""
    return "".join(_escape(c) if _is_hidden(c) and c != "\t" else " " if c == "\t" else c for c in text)
