"""Patient ids made unreadable: the same patient, the same pseudonym, and no way back."""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from coreset_lib.errors import DatasetError
from coreset_lib.system.privacy import make_private

KEY_BYTES = 32
# What forms and anonymisers write where they know of no patient, without spaces and marks.
_NOBODY = {
    *("unknown", "unk", "anonymous", "anonymized", "anonymised", "anonym", "anon", "anonymus"),
    *("na", "nan", "none", "null", "nil", "no", "noid", "nopatient", "nopatientid", "missing"),
    *("notavailable", "notapplicable", "notspecified", "unspecified", "undefined", "removed"),
    *("deleted", "deidentified", "withheld", "patient", "patientid", "id", "test", "dummy", "tbd"),
    *("anonymouspatient", "anonymizedpatient", "anonpatient", "unbekannt", "inconnu", "redacted"),
}
NOBODY = "P-nobody"
_NAUGHT = re.compile(r"[0x]*")


def names_nobody(patient_id: str) -> bool:
    """Whether an id is what is written where no patient is known: unknown, NA, 0, ---, xxx."""
    plain = "".join(letter for letter in patient_id.lower() if letter.isalnum())
    if patient_id == NOBODY:
        return True
    return plain in _NOBODY or bool(_NAUGHT.fullmatch(plain)) or patient_id.strip() == "-1"


def pseudonym(patient_id: str, key: str) -> str:
    """Return ``P-`` and 12 hex digits for a patient id, "" for none, `NOBODY` for placeholders.

    Parameters
    ----------
    patient_id : str
    key : str
        Hex key of this cache; with an empty key the id itself is returned.

    Notes
    -----
    HMAC-SHA256 with a secret key: without the key nobody can try out ids.
    """
    plain = " ".join(patient_id.split())
    if not plain or not key:
        return plain
    if names_nobody(plain):
        return NOBODY
    digest = hmac.new(bytes.fromhex(key), plain.encode("utf-8", "replace"), hashlib.sha256)
    return f"P-{digest.hexdigest()[:12]}"


def pseudonym_key(cache: Path) -> str:
    """Return the hex key of a cache, made on first use and readable by its owner only.

    Raises
    ------
    DatasetError
        If the cache cannot be written, or holds a damaged key.
    """
    path = cache / "prepared" / "pseudonym.key"
    try:
        make_private(path.parent)
        if not path.exists():
            _create(path)
        key = path.read_text().strip()
    except OSError as error:
        raise DatasetError(
            f"cache {cache} cannot be written: {error.strerror or error}. "
            "Choose another folder with --cache or CORESET_LENS_CACHE."
        ) from None
    except UnicodeDecodeError:
        key = ""
    if len(key) != 2 * KEY_BYTES or not all(letter in "0123456789abcdef" for letter in key):
        raise DatasetError(
            f"key file {path} must hold {2 * KEY_BYTES} hex digits, got something else. "
            "Restore it, or delete it to begin with new pseudonyms."
        )
    return key


def _create(path: Path) -> None:
    """Write a new key, unless somebody else did so meanwhile; never half of one."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        os.replace(aside, path)
        return
    finally:
        aside.unlink(missing_ok=True)
