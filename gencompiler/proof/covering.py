"""Whether one place of a variable holds another, for all values of the indices."""

from __future__ import annotations

from gencompiler.proof.structure import WHOLE, Axis, Place


def covers(listed: Place, used: Place) -> bool:
    """Whether everything in `used` is in `listed`, axis by axis, for all values of the indices."""
    if listed.variable != used.variable:
        return False
    for number, own in enumerate(listed.axes):
        other = used.axes[number] if number < len(used.axes) else WHOLE
        if own.kind == "whole" or (own == other and own.kind != "other"):
            continue
        if own.kind == "scan":
            return _scan_covers(own, listed.axes[number:], used.axes[number:])
        same = other.index == own.index and other.order == own.order
        if own.kind == "before" and same and other.kind == "before" and other.shift <= own.shift:
            continue
        if own.kind == "before" and same and other.kind == "index" and other.shift < own.shift:
            continue
        if own.kind == "after" and not own.order and _from_on(own, other):
            continue
        return False
    return True


def _from_on(own: Axis, other: Axis) -> bool:
    """Whether a subscript picks only places from `own` on."""
    if own.index == "" and own.shift <= 0:
        return True
    if other.order or other.kind not in ("index", "after", "place"):
        return False
    if own.index == "":
        return other.index == "" and other.shift >= own.shift
    return other.index == own.index and other.kind != "place" and other.shift >= own.shift


def _scan_covers(scan: Axis, listed: tuple[Axis, ...], used: tuple[Axis, ...]) -> bool:
    """Whether the places `used` all come before (i, j) in row-major order: the same scan, or subscripts of which those
    from the first on equal the indices until one is strictly before its own."""
    names = scan.index.split(",")
    if len(listed) != len(names) or len(used) > len(names):
        return False
    if used and used[0].kind == "scan":
        return used[0].index == scan.index and used[0].shift <= scan.shift and len(used) == len(listed)
    for name, axis in zip(names, used, strict=False):
        if axis.index != name:
            return False
        if axis.kind == "index" and axis.shift == 0:
            continue
        return (axis.kind == "before" and axis.shift <= 0) or (axis.kind == "index" and axis.shift < 0)
    return bool(scan.shift) and len(used) == len(names)
