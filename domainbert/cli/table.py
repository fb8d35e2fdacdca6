"""Plain tables and short quantities for people."""

from collections.abc import Sequence

_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB")
_DECIMAL = ("", " thousand", " million", " billion", " trillion")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows with their cells padded to columns, two spaces between them."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def size(num_bytes: int | None) -> str:
    """Bytes in the unit that suits them; "not known yet" for ``None``."""
    if num_bytes is None:
        return "not known yet"
    value, unit = _scale(float(num_bytes), 1024, _BINARY)
    return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.3g} {unit}"


def quantity(count: float | None) -> str:
    """A count to three digits, in words; "not known yet" for ``None``."""
    if count is None:
        return "not known yet"
    value, unit = _scale(float(count), 1000, _DECIMAL)
    return f"{value:.3g}{unit}"


def duration(seconds: float | None) -> str:
    """A time to about one digit; "not known yet" for ``None``."""
    if seconds is None:
        return "not known yet"
    for limit, divisor, unit in ((90, 1, "seconds"), (5400, 60, "minutes"), (172_800, 3600, "hours")):
        if seconds < limit:
            return f"about {max(1, round(seconds / divisor))} {unit}"
    return f"about {seconds / 86_400:.0f} days"


def _scale(value: float, step: int, units: Sequence[str]) -> tuple[float, str]:
    for unit in units[:-1]:
        if value < step * 0.9995:  # what three digits would show as 1,000 belongs to the next unit
            return value, unit
        value /= step
    return value, units[-1]
