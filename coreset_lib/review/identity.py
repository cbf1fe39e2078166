"""Who is who: names that people cannot tell apart are one name, and a login is its subject."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from coreset_lib.errors import ReviewError
from coreset_lib.review.records import LONGEST_NAME

# Letters of other scripts that look like those of the Latin one, in small letters.
_OTHERS = "авеѕкмнорсутхіјӏһԁԛԝαβεικνορτυχω"
_LATIN = "abeskmhopcytxijlhdqwabeikvoptuxw"
LOOK_ALIKES = str.maketrans(f"{_OTHERS}01|!ıł", f"{_LATIN}olllll")
_LOGIN = re.compile(r".*\[(?P<identity>[^\[\]]+)\]")


def folded(name: str) -> str:
    """Return what a name looks like: without case, accents, spaces, dots and foreign letters."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(letter for letter in letters if letter.isalnum() or letter in "|!@[]")
    return plain.translate(LOOK_ALIKES).replace("i", "l").replace("rn", "m")


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are the same, or people could take one for the other."""
    return folded(one) == folded(other)


def check_new_name(name: str, known: Iterable[str]) -> None:
    """Raise ReviewError for a name that looks like one that is there already."""
    for other in known:
        if other != name and is_same_person(name, other):
            raise ReviewError(
                f"reader {name!r} looks like {other!r}, who is known here already. "
                "Use that name, or one that nobody takes for it."
            )


def login_name(user: Mapping[str, Any]) -> str:
    """Return the name of a login: who they say they are, and in brackets who they are.

    Parameters
    ----------
    user : mapping
        What the provider says. The subject at the provider identifies a person; an e-mail
        address is shown only if the provider has verified it.

    Raises
    ------
    ReviewError
        If the provider names no subject or not itself.
    """
    subject, issuer = str(user.get("sub") or ""), str(user.get("iss") or "")
    place = urlsplit(issuer)
    if not subject or not place.netloc:
        raise ReviewError(
            "the login must tell its provider and a subject (iss and sub), got one without. "
            "Correct [auth] in .streamlit/secrets.toml."
        )
    told = hashlib.sha256(f"{issuer.rstrip('/')}\0{subject}".encode("utf-8", "replace"))
    identity = f"{place.netloc}:{told.hexdigest()[:16]}"
    is_verified = user.get("email_verified") in (True, "true")
    shown = str(user.get("email") or "") if is_verified else ""
    shown = "".join(letter for letter in shown if letter.isprintable() and letter not in "[]")
    return f"{shown.strip()[: LONGEST_NAME - len(identity) - 3]} [{identity}]".strip()


def reader_of_login(name: str, readers: Iterable[str]) -> str | None:
    """Return the reader that a login is, whatever e-mail address it had then; None for none."""
    wanted = _identity(name)
    return next((r for r in readers if wanted and _identity(r) == wanted), None)


def _identity(name: str) -> str:
    """Return what stands in the brackets at the end of a login's name; "" if there are none."""
    found = _LOGIN.fullmatch(name)
    return found["identity"] if found else ""
