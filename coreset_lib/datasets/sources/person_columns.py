"""Columns of a table that stand for people: ids to be made unreadable, and what stays out.

A column stays only if its name is known to be harmless and its cells do not look like what
tells who a person is. Whatever else a hospital writes into a table is left out and named.
"""

import unicodedata
from collections.abc import Mapping, Sequence

from coreset_lib.datasets.sources.listing import shown
from coreset_lib.datasets.sources.person_cells import tell_people

PATIENT_ID = "patient_id"
# Written without spaces, accents, dashes and the like.
ID_NAMES = (
    *("patient", "patientid", "patientno", "patientnr", "patientnum", "patientnumber"),
    *("patientcode", "patientkey", "patientuid", "pid", "ptid", "subject", "subjectid"),
    *("subjectcode", "participant", "participantid", "personid", "mrn", "medicalrecordnumber"),
    *("nhsnumber", "nhsno", "hospitalnumber", "hospitalno", "hospitalid", "chinumber"),
    *("patientennummer", "patientennr", "patientenid", "patnr", "patid", "probandid"),
    *("idpatient", "numeropatient", "ipp", "nip", "idpaciente", "numeropaciente", "nhc"),
    *("historiaclinica", "numerohistoriaclinica", "idpaziente", "numeropaziente"),
    *("patientnummer", "personnummer", "personnumber", "cpr", "cprnummer", "bsn"),
    *("fodselsnummer", "henkilotunnus", "pesel", "numerpacjenta", "rodnecislo"),
    *("prontuario", "numeroprontuario", "cpf", "codicefiscale", "dni", "ssn"),
)
# What belongs together for want of a patient, the widest first.
GROUP_NAMES = (
    *("caseid", "case", "caseno", "casenumber", "fallnummer", "fallnr", "fallid", "lesionid"),
    *("lesion", "encounterid", "studyid", "studyinstanceuid", "study", "studyuid"),
    *("accessionnumber", "accession", "accessionno", "examid", "exam", "examinationid"),
    *("visitid", "seriesid", "seriesinstanceuid", "series", "seriesuid", "frameofreferenceuid"),
    *("slideid", "slide", "specimenid", "groupid", "volumeid", "scanid", "videoid", "eyeid"),
    *("acquisitionid",),
)
HARMLESS_NAMES = (
    *("age", "agegroup", "sex", "gender", "alter", "geschlecht", "sexe", "sexo", "sesso"),
    *("site", "centre", "center", "hospital", "institution", "cohort", "dataset", "fold", "batch"),
    *("scanner", "device", "machine", "manufacturer", "modelname", "manufacturermodelname"),
    *("modality", "protocol", "sequence", "contrast", "phase", "kernel", "kvp", "mas", "tesla"),
    *("fieldstrength", "magnification", "stain", "staining", "microscope", "objective", "channel"),
    *("bodypart", "bodypartexamined", "organ", "region", "anatomy", "location", "localization"),
    *("side", "laterality", "view", "viewposition", "projection", "orientation", "plane", "eye"),
    *("position", "slice", "sliceindex", "slicethickness", "spacing", "pixelspacing", "frame"),
    *("width", "height", "rows", "columns", "size", "area", "diameter", "volume", "quality"),
    *("diagnosis", "finding", "findings", "class", "classname", "grade", "stage", "severity"),
    *("score", "malignancy", "malignant", "benign", "type", "subtype", "density", "birads"),
    *("annotation", "confidence", "agreement", "weight", "difficulty", "source", "license"),
    *("dxtype", "imagetype", "anatomsite", "anatomsitegeneral", "skintone", "fitzpatrick"),
    *("camera", "vendor", "followup", "race", "ethnicity", "smoker", "bmi"),
    *("year", "index", "number", "count"),
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


def personal_columns(
    header: Sequence[str], rows: Sequence[Mapping[str, str]], *, used: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the columns that are not known to be harmless, by their names and their cells.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of mapping of column name to cell
    used : sequence of str
        Columns that mean something to this program.
    """
    others = [name for name in header if name not in (*used, patient_column(header))]
    return tuple(
        name
        for name in others
        if _plain(name) not in HARMLESS_NAMES or tell_people([row[name] for row in rows])
    )


def person_notes(patient: str, hidden: Sequence[str]) -> tuple[str, ...]:
    """Say what was taken for patient ids, and what was left out to protect patients."""
    notes: list[str] = []
    if patient and patient != PATIENT_ID:
        notes.append(f"Column {shown(patient)} is read as the ids of patients.")
    if hidden:
        subject = "Column" if len(hidden) == 1 else "Columns"
        notes.append(
            f"{subject} {shown(', '.join(hidden))} may tell who a patient is: left out, nothing "
            "of it is kept (--keep-patient-ids keeps it)."
        )
    return tuple(notes)


def _plain(name: str) -> str:
    """Return a column's name without accents and what people put between its words."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if letter.isalnum())
