"""Cells that tell who a person is, whatever their column is called."""

import re
from collections.abc import Sequence

SHARE = 0.2  # of the cells that are filled
FEW = 3  # different names are a list of devices or places, not of people
LONGEST = 200  # letters that are looked at
_WORD = r"[^\W\d_]+(?:[.'’-][^\W\d_]+)*\.?"
_DAY = (
    r"(?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
)
PATTERNS = (
    re.compile(rf"{_DAY}(?:[ T]\d\d.*)?"),  # a date of birth, or of an examination
    re.compile(r"\d{1,2}\.? [^\W\d_]{3,12}\.?,? (?:18|19|20)\d\d"),  # 1 March 1950
    re.compile(r"[0-2](?:\.\d+){4,}"),  # a UID of DICOM
    re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE),
    re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),  # an address of e-mail
    re.compile(r"\+?\d(?:[ ()/-]*\d){6,}"),  # numbers of phones, records and insurances
    re.compile(rf"{_WORD}(?: {_WORD})*\^.*"),  # a name as DICOM writes it
    re.compile(rf"{_WORD}(?:[ -]{_WORD})*, ?{_WORD}(?: {_WORD})*"),  # Meier, Anna
)
NAME = re.compile(rf"(?:(?:Dr|Prof|Mr|Mrs|Ms|Herr|Frau|Mme|Sr|Sra)\.? )?{_WORD}(?: {_WORD}){{1,3}}")


def tell_people(cells: Sequence[str]) -> bool:
    """Whether a column's cells look like dates, identifiers, addresses or names of people.

    A fifth of the filled cells is enough. Two or more words in a row with capitals are names of
    people only if there are many different ones.
    """
    filled = [cell.strip()[:LONGEST] for cell in cells if cell.strip()]
    if not filled:
        return False
    told = sum(any(pattern.fullmatch(cell) for pattern in PATTERNS) for cell in filled)
    if told >= SHARE * len(filled):
        return True
    names = [cell for cell in filled if cell == cell.title() and NAME.fullmatch(cell)]
    different = len(set(names))
    return different > FEW and different >= SHARE * len(filled)
