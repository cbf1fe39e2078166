"""A coreset as DICOM Key Object Selection documents, which a PACS can show as a selection."""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from typing import NamedTuple

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, KeyObjectSelectionDocumentStorage

from coreset_lib.datasets.files.decoding import is_dicom
from coreset_lib.errors import CoresetError
from coreset_lib.export.forms.chosen import ChosenSamples
from coreset_lib.export.forms.source_files import SourceFile, source_files

IDENTITY = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
OF_INTEREST = ("113000", "DCM", "Of Interest")
DESCRIPTION = ("113012", "DCM", "Key Object Description")
TEMPLATE = "2010"
SERIES_NUMBER = 9001


class Instance(NamedTuple):
    """A DICOM image by the UIDs that a PACS knows it by, with the chosen frames, from 1."""

    sop_class: str
    sop: str
    series: str
    study: str
    frames: tuple[int, ...] = ()


def key_object_files(chosen: ChosenSamples, *, with_uids: bool = False) -> dict[str, bytes]:
    """Return one Key Object Selection document for each study of the chosen images.

    Of the images they name the UIDs of class, instance, series and study, and the frames of
    an image that holds several; patient, dates and accession number stay empty. UIDs are no
    names, but whoever has access to the archive finds the patient by them.

    Parameters
    ----------
    chosen : ChosenSamples
    with_uids : bool
        That somebody has agreed to give the UIDs away; without it nothing is made.

    Raises
    ------
    CoresetError
        If nobody agreed, the images are not DICOM or lack a UID, or cannot be read.

    Notes
    -----
    DICOM PS3.3 A.35.4 (IOD), PS3.16 TID 2010 (content). The same coreset gives the same UIDs
    and bytes.
    """
    if not with_uids:
        raise CoresetError(
            "a key object selection names the UIDs of studies and images, by which whoever has "
            "access to the archive finds the patients. If it may leave the house, say so with "
            "--with-uids"
        )
    studies: dict[str, list[Instance]] = {}
    for instance in _instances(chosen):
        studies.setdefault(instance.study, []).append(instance)
    return {
        f"{chosen.name}-{number:04d}.dcm": _document(chosen, instances)
        for number, instances in enumerate(studies.values(), 1)
    }


def _instances(chosen: ChosenSamples) -> list[Instance]:
    """Return the images of the chosen samples in the order of the split, each once."""
    files = source_files(chosen.dataset)
    by_path: dict[str, list[SourceFile]] = {}
    for index in chosen.indices.tolist():
        file = files.get(index)
        if file is None or not is_dicom(file.record.path):
            raise CoresetError(
                f"a key object selection needs DICOM files, got {chosen.rows[0]['source']!r} of "
                f"{chosen.dataset.name}. Choose another form."
            )
        by_path.setdefault(file.record.path, []).append(file)
    return [_instance(frames) for frames in by_path.values()]


def _instance(frames: list[SourceFile]) -> Instance:
    """Read the UIDs of a file; nothing else of it is looked at."""
    path = frames[0].path
    try:
        found = pydicom.dcmread(
            path, force=True, stop_before_pixels=True, specific_tags=list(IDENTITY)
        )
        uids = [str(found.get(name) or "") for name in IDENTITY]
    except (OSError, InvalidDicomError, ValueError, TypeError, AttributeError) as error:
        raise CoresetError(f"image {path} cannot be read ({type(error).__name__}).") from None
    for name, uid in zip(IDENTITY, uids, strict=True):
        if not UID(uid).is_valid:
            raise CoresetError(
                f"image {path} must have a {name} for a key object selection, got "
                f"{uid[:64]!r}. Choose another form."
            )
    numbers = tuple(sorted(file.frame + 1 for file in frames)) if frames[0].has_frames else ()
    return Instance(uids[0], uids[1], uids[2], uids[3], numbers)


def _document(chosen: ChosenSamples, instances: list[Instance]) -> bytes:
    """Return the document of one study as a DICOM file."""
    study = instances[0].study
    document = Dataset()
    document.SOPClassUID = KeyObjectSelectionDocumentStorage
    document.SOPInstanceUID = _uid(chosen, study, "instance")
    _describe_study(document, study)
    _describe_series(document, _uid(chosen, study, "series"))
    _describe_document(document, chosen)
    document.CurrentRequestedProcedureEvidenceSequence = Sequence([_evidence(instances)])
    document.ContentSequence = Sequence([_text(chosen), *map(_content, instances)])
    return _file_bytes(document)


def _describe_study(document: Dataset, study: str) -> None:
    """Patient and General Study modules: known by the UID, everything else left empty."""
    document.StudyInstanceUID = study
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate"):
        setattr(document, name, "")
    for name in ("StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"):
        setattr(document, name, "")


def _describe_series(document: Dataset, series: str) -> None:
    """Key Object Document Series and General Equipment modules."""
    document.Modality = "KO"
    document.SeriesInstanceUID = series
    document.SeriesNumber = SERIES_NUMBER
    document.SeriesDescription = "Coreset"
    document.ReferencedPerformedProcedureStepSequence = Sequence([])
    document.Manufacturer = "coreset-lens"


def _describe_document(document: Dataset, chosen: ChosenSamples) -> None:
    """Key Object Document and SR Document Content modules, but for what is referred to."""
    created = datetime.fromisoformat(chosen.export.provenance["created"]).astimezone(UTC)
    document.InstanceNumber = 1
    document.ContentDate = created.strftime("%Y%m%d")
    document.ContentTime = created.strftime("%H%M%S")
    document.TimezoneOffsetFromUTC = "+0000"
    document.SpecificCharacterSet = "ISO_IR 192"
    document.ValueType = "CONTAINER"
    document.ContinuityOfContent = "SEPARATE"
    document.ConceptNameCodeSequence = Sequence([_code(*OF_INTEREST)])
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", TEMPLATE
    document.ContentTemplateSequence = Sequence([template])


def _evidence(instances: list[Instance]) -> Dataset:
    """Return the study with its series and all images that the document refers to."""
    by_series: dict[str, list[Dataset]] = {}
    for instance in instances:
        by_series.setdefault(instance.series, []).append(_reference(instance))
    study = Dataset()
    study.StudyInstanceUID = instances[0].study
    study.ReferencedSeriesSequence = Sequence(_series(by_series.items()))
    return study


def _series(groups: Iterable[tuple[str, list[Dataset]]]) -> list[Dataset]:
    """Return the series with their images."""
    found: list[Dataset] = []
    for uid, references in groups:
        series = Dataset()
        series.SeriesInstanceUID = uid
        series.ReferencedSOPSequence = Sequence(references)
        found.append(series)
    return found


def _text(chosen: ChosenSamples) -> Dataset:
    """Return what the selection is, in words."""
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    item.ConceptNameCodeSequence = Sequence([_code(*DESCRIPTION)])
    item.TextValue = f"{chosen.name}: coreset for training, research use only"
    return item


def _content(instance: Instance) -> Dataset:
    """Return an image as content of the document."""
    item, reference = Dataset(), _reference(instance)
    item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
    if instance.frames:
        reference.ReferencedFrameNumber = list(instance.frames)
    item.ReferencedSOPSequence = Sequence([reference])
    return item


def _reference(instance: Instance) -> Dataset:
    """Return an image by class and UID."""
    reference = Dataset()
    reference.ReferencedSOPClassUID = instance.sop_class
    reference.ReferencedSOPInstanceUID = instance.sop
    return reference


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return a coded concept."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _uid(chosen: ChosenSamples, study: str, part: str) -> str:
    """Return a UID under 2.25 that is always the same for the same coreset and study."""
    sources = [chosen.export.provenance["sha256"], study, part]
    digest = hashlib.sha256("\n".join(sources).encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def _file_bytes(document: Dataset) -> bytes:
    """Return a dataset as a DICOM file with preamble and meta information."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = document.SOPClassUID
    meta.MediaStorageSOPInstanceUID = document.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    document.file_meta = meta
    buffer = BytesIO()
    document.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
