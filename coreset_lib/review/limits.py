"""What every database that keeps reviews can hold: checked before anything is written."""

from coreset_lib.errors import ReviewError

LARGEST_NUMBER = 2**63 - 1
LONGEST_BYTES = 2_000  # as UTF-8; what is looked up by an index of PostgreSQL must be below 2,700


def check_text(name: str, text: str | None, *, longest: int = LONGEST_BYTES) -> None:
    """Raise ReviewError unless a text can be stored.

    Parameters
    ----------
    name : str
        What it is, for the message.
    text : str or None
    longest : int
        Bytes as UTF-8.
    """
    if text is None:
        return
    size = None if "\0" in text else _size(text)
    if size is None or size > longest:
        found = "one that no database holds" if size is None else f"one of {size:,} bytes"
        raise ReviewError(
            f"{name} must be text of at most {longest:,} bytes without NUL or half characters, got "
            f"{found}. Shorten or correct it."
        )


def check_number(name: str, number: int | None) -> None:
    """Raise ReviewError unless a number of an event can be stored."""
    if number is not None and not 0 <= number <= LARGEST_NUMBER:
        shown = str(number)
        shown = shown if len(shown) < 30 else f"a number of {len(shown)} digits"
        raise ReviewError(
            f"{name} must be the number of an event, from 0 to {LARGEST_NUMBER}, got {shown}."
        )


def _size(text: str) -> int | None:
    """Return the bytes of a text, None where it holds half a character."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None
