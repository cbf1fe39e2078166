"""DICOM Key Object Selections of chosen images."""

from io import BytesIO

import pydicom
import pytest

from coreset_lib.errors import CoresetError
from coreset_lib.export.forms.key_objects import key_object_files


def read(content):
    return pydicom.dcmread(BytesIO(content))


def evidence(document):
    """Return the images that a document gives as evidence."""
    return [
        image.ReferencedSOPInstanceUID
        for study in document.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for image in series.ReferencedSOPSequence
    ]


def contents(document):
    """Return the images in the content tree."""
    items = [item for item in document.ContentSequence if item.ValueType == "IMAGE"]
    return [item.ReferencedSOPSequence[0] for item in items]


def test_one_document_per_study_names_exactly_the_chosen_images(tmp_path, dicom_run, make_chosen):
    chosen = make_chosen(dicom_run)
    documents = [read(content) for content in key_object_files(chosen, with_uids=True).values()]
    expected = {}
    for row in chosen.rows:
        image = pydicom.dcmread(tmp_path / "dicoms" / row["source"])
        expected.setdefault(image.StudyInstanceUID, set()).add(image.SOPInstanceUID)
    found = {document.StudyInstanceUID: set(evidence(document)) for document in documents}
    assert found == expected
    for document in documents:
        named = [reference.ReferencedSOPInstanceUID for reference in contents(document)]
        assert sorted(named) == sorted(evidence(document))


def test_a_document_is_what_the_standard_says(dicom_run, make_chosen):
    for content in key_object_files(make_chosen(dicom_run), with_uids=True).values():
        document = read(content)
        assert document.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.59"
        assert document.Modality == "KO"
        assert document.ContentTemplateSequence[0].TemplateIdentifier == "2010"
        assert document.ContentTemplateSequence[0].MappingResource == "DCMR"
        title = document.ConceptNameCodeSequence[0]
        assert (title.CodeValue, title.CodingSchemeDesignator) == ("113000", "DCM")
        assert (document.ValueType, document.ContinuityOfContent) == ("CONTAINER", "SEPARATE")
        assert document.ContentDate
        assert document.ContentTime
        assert all(uid.is_valid for uid in (document.SOPInstanceUID, document.SeriesInstanceUID))
        kinds = {r.ReferencedSOPClassUID for r in contents(document)}
        assert kinds == {pydicom.uid.CTImageStorage}


def test_no_person_is_named(dicom_run, make_chosen):
    for name, content in key_object_files(make_chosen(dicom_run), with_uids=True).items():
        assert b"DOE" not in content
        assert b"SECRET" not in content
        document = read(content)
        assert (document.PatientName, document.PatientID) == ("", "")
        assert name.endswith(".dcm")


def test_the_same_coreset_gives_the_same_documents(dicom_run, make_chosen):
    chosen = make_chosen(dicom_run)
    assert key_object_files(chosen, with_uids=True) == key_object_files(chosen, with_uids=True)


def test_frames_of_an_image_are_named(tmp_path, make_file_run, make_chosen, save_dicoms):
    run = make_file_run(save_dicoms(tmp_path / "cine", n_frames=3))
    chosen = make_chosen(run, rate=0.2)
    frames = {}
    for row in chosen.rows:
        file, _, number = row["source"].partition("#")
        uid = pydicom.dcmread(tmp_path / "cine" / file).SOPInstanceUID
        frames.setdefault(uid, []).append(int(number))
    found = {}
    for content in key_object_files(chosen, with_uids=True).values():
        for reference in contents(read(content)):
            numbers = reference.ReferencedFrameNumber
            listed = [numbers] if isinstance(numbers, int) else list(numbers)
            found[reference.ReferencedSOPInstanceUID] = [int(number) for number in listed]
    assert found == {uid: sorted(numbers) for uid, numbers in frames.items()}


def test_nothing_is_made_without_consent(dicom_run, make_chosen):
    with pytest.raises(CoresetError, match=r"finds the patients.*--with-uids"):
        key_object_files(make_chosen(dicom_run))


@pytest.mark.parametrize("source", ["png_run", "array_run"])
def test_other_images_are_refused(request, make_chosen, source):
    chosen = make_chosen(request.getfixturevalue(source))
    with pytest.raises(CoresetError, match=r"needs DICOM files, got"):
        key_object_files(chosen, with_uids=True)


@pytest.mark.parametrize("uid", ["SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"])
def test_an_image_without_a_uid_is_refused(tmp_path, make_file_run, make_chosen, save_dicoms, uid):
    run = make_file_run(save_dicoms(tmp_path / "bare", without=uid))
    with pytest.raises(CoresetError, match=f"must have a {uid}"):
        key_object_files(make_chosen(run), with_uids=True)
