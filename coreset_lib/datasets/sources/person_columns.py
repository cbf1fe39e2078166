"""Columns of a table that stand for people: ids to be made unreadable, and what stays out."""

from collections.abc import Mapping, Sequence

from coreset_lib.datasets.sources.listing import shown

PATIENT_ID = "patient_id"
# Written without spaces, dashes and the like.
ID_NAMES = (
    *("patient", "patientid", "patientno", "patientnr", "patientnumber", "patientcode", "pid"),
    *("subject", "subjectid", "mrn", "medicalrecordnumber"),
)
# What belongs together for want of a patient, the widest first.
GROUP_NAMES = (
    *("caseid", "case", "caseno", "lesionid", "lesion", "studyid", "studyinstanceuid", "study"),
    *("studyuid", "accessionnumber", "accession", "examid", "exam", "visitid", "seriesid"),
    *("seriesinstanceuid", "series", "seriesuid", "slideid", "slide", "specimenid", "groupid"),
    *("volumeid", "scanid", "videoid", "eyeid", "acquisitionid"),
)
PERSONAL_NAMES = (
    *("name", "patientname", "patientsname", "fullname", "surname", "lastname", "familyname"),
    *("firstname", "givenname", "birthdate", "birthday", "dateofbirth", "dob"),
    *("patientbirthdate", "patientsbirthdate", "patientdob", "address", "patientaddress"),
    *("street", "phone", "phonenumber", "telephone", "patienttelephone", "email", "emailaddress"),
    *("ssn", "socialsecuritynumber", "insurancenumber"),
)


def patient_column(header: Sequence[str]) -> str:
    """Return the column that holds patient ids: patient_id, else the first of like meaning."""
    if PATIENT_ID in header:
        return PATIENT_ID
    return next((name for name in header if _plain(name) in ID_NAMES), "")


def group_column(header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Return a column of lesions, studies or series, some of which have several images; or ""."""
    plain = {_plain(name): name for name in reversed(header)}
    for name in (plain[name] for name in GROUP_NAMES if name in plain):
        cells = [row[name] for row in rows if row[name]]
        if 1 < len(set(cells)) < len(cells):
            return name
    return ""


def personal_columns(header: Sequence[str]) -> tuple[str, ...]:
    """Return the columns whose names say that they tell who a person is."""
    own = patient_column(header)
    return tuple(
        name for name in header if name != own and _plain(name) in (*ID_NAMES, *PERSONAL_NAMES)
    )


def person_notes(patient: str, hidden: Sequence[str]) -> tuple[str, ...]:
    """Say what was taken for patient ids, and what was left out to protect patients."""
    notes: list[str] = []
    if patient and patient != PATIENT_ID:
        notes.append(f"Column {shown(patient)} is read as the ids of patients.")
    if hidden:
        subject = "Column" if len(hidden) == 1 else "Columns"
        verb = "tells" if len(hidden) == 1 else "tell"
        notes.append(
            f"{subject} {shown(', '.join(hidden))} {verb} who a patient is: left out, nothing of "
            "it is kept (--keep-patient-ids keeps it)."
        )
    return tuple(notes)


def _plain(name: str) -> str:
    """Return a column's name without what people put between its words."""
    return "".join(letter for letter in name.lower() if letter.isalnum())
