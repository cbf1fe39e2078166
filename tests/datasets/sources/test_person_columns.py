"""Which columns of a hospital's table stay, become pseudonyms or are left out."""

import pytest

from coreset_lib.datasets.sources.person_cells import tell_people
from coreset_lib.datasets.sources.person_columns import (
    group_column,
    patient_column,
    personal_columns,
)

PEOPLE = (
    *("Patientenname", "Geburtsdatum", "Nachname", "Vorname", "Anschrift", "Krankenkasse"),
    *("nom", "Prénom", "Date de naissance", "médecin", "Numéro de sécurité sociale"),
    *("apellidos", "Fecha de nacimiento", "cognome", "data di nascita", "geboortedatum"),
    *("Födelsedatum", "imię", "nazwisko", "nascimento", "患者名", "生年月日", "имя пациента"),
    *("AccessionNumber", "StudyInstanceUID", "SOPInstanceUID", "nhs_number", "referring physician"),
    *("operator", "comments", "remarks", "postcode", "occupation", "x1"),
)
HARMLESS = ("age", "Sex", "scanner", "Slice-Thickness", "body part", "BI-RADS", "site")


@pytest.mark.parametrize("name", PEOPLE)
def test_what_is_not_known_to_be_harmless_is_left_out(name):
    header = ["path", "label", "patient_id", name]
    rows = [{"path": f"{n}.png", "label": "a", "patient_id": "1", name: "A"} for n in range(9)]
    used = ("path", "label", "patient_id")
    assert personal_columns(header, rows, used=used) == (name,)


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_columns_stay(name):
    rows = [{name: f"S{n}"} for n in range(9)]
    assert personal_columns([name], rows) == ()


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["path", "Patientennummer"], "Patientennummer"),
        (["path", "NHS number", "AccessionNumber"], "NHS number"),
        (["AccessionNumber", "NHS number"], "NHS number"),
        (["path", "Study Instance UID"], ""),
        (["mrn", "patient_id"], "patient_id"),
        (["path", "label"], ""),
    ],
)
def test_ids_of_patients_go_before_those_of_examinations(header, column):
    assert patient_column(header) == column


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["path", "Study Instance UID"], "Study Instance UID"),
        (["SeriesUID", "Accession Number"], "Accession Number"),
        (["Geburtsname", "Fall-Nr."], "Fall-Nr."),
        (["path", "label"], ""),
    ],
)
def test_for_want_of_patients_examinations_stay_together(header, column):
    rows = [dict.fromkeys(header, cell) for cell in ("1", "1", "2")]
    assert group_column(header, rows) == column


@pytest.mark.parametrize(
    "cells",
    [
        ["1950-03-01", "1961-12-24"],
        ["01.03.1950", "24.12.61"],
        ["3/1/1950", ""],
        ["19500301", "19611224"],
        ["1 March 1950", "24 déc. 1961"],
        ["1950-03-01T00:00:00"],
        ["1.2.840.113619.2.55.3.604688119.971.1", "1.2.276.0.7230010.3.1.2"],
        ["123e4567-e89b-12d3-a456-426614174000"],
        ["943 476 5919", "943 476 5870"],
        ["+49 (0)30 450-50"],
        ["anna.meier@clinic.example"],
        ["MEIER^ANNA", "O'Brien^Seán^^Dr"],
        ["Meier, Anna", "Müller-Lüdenscheidt, Karl"],
        ["Anna Meier", "José García", "Seán O'Brien", "Åsa Öberg", "Li Wei"],
        ["", "", "", "", "Meier, Anna"],
        ["S1"] * 4 + ["1950-03-01"],
    ],
)
def test_cells_that_tell_who_a_person_is_are_recognised(cells):
    assert tell_people(cells)
    assert personal_columns(["site"], [{"site": cell} for cell in cells]) == ("site",)


@pytest.mark.parametrize(
    "cells",
    [
        [str(n) for n in range(120)],
        ["0.5", "12.25", "1e-3"],
        ["Siemens Skyra", "Philips Ingenia"] * 20,
        ["left", "right", ""],
        ["grade 3", "T2N0M0", "40x", "1.5 mm", "AP/PA"],
        [],
        ["", ""],
    ],
)
def test_measures_devices_and_places_are_not_taken_for_people(cells):
    assert not tell_people(cells)
