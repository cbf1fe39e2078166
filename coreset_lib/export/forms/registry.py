"""All forms by the name that a person chooses."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coreset_lib.checks import check_choice
from coreset_lib.errors import CoresetError
from coreset_lib.export.forms import (
    CROISSANT,
    FIFTYONE,
    FOLDER,
    HUGGINGFACE,
    INDICES,
    KEY_OBJECTS,
    MONAI,
    NAMES,
)
from coreset_lib.export.forms.chosen import ChosenSamples
from coreset_lib.export.forms.croissant import croissant_files
from coreset_lib.export.forms.fiftyone import fiftyone_file
from coreset_lib.export.forms.folder import write_folder
from coreset_lib.export.forms.huggingface import huggingface_file
from coreset_lib.export.forms.indices import indices_file
from coreset_lib.export.forms.key_objects import key_object_files
from coreset_lib.export.forms.monai import monai_file
from coreset_lib.outputs import make_folder, write_output, write_outputs

Files = dict[str, bytes]
Make = Callable[[ChosenSamples, bool], Files]


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form of a coreset.

    Attributes
    ----------
    title : str
        For people.
    use : str
        How the other program reads it, in a line.
    ending : str
        Of the one file; "" for a form of several files.
    make : callable
        From the samples and whether UIDs may be given away, all files by their names.
    """

    title: str
    use: str
    ending: str
    make: Make


def _one(ending: str, make: Callable[[ChosenSamples], bytes]) -> Make:
    """Give the one file of a form its name."""

    def files(chosen: ChosenSamples, with_uids: bool) -> Files:
        return {f"{chosen.name}{ending}": make(chosen)}

    return files


# Of every form but the folder, which is written where it shall be and not made in memory.
FORMS: dict[str, Form] = {
    INDICES: Form(
        title="Indices for PyTorch (NPY)",
        use="torch.utils.data.Subset(train_set, numpy.load(file).tolist())",
        ending=".npy",
        make=_one(".npy", indices_file),
    ),
    HUGGINGFACE: Form(
        title="Hugging Face datasets (JSON Lines)",
        use='train_set.select(load_dataset("json", data_files=file, split="train")["index"])',
        ending=".jsonl",
        make=_one(".jsonl", huggingface_file),
    ),
    CROISSANT: Form(
        title="Croissant 1.1",
        use='mlcroissant.Dataset("croissant.json").records("coreset")',
        ending="",
        make=lambda chosen, _: croissant_files(chosen),
    ),
    MONAI: Form(
        title="MONAI datalist (JSON)",
        use="monai.data.load_decathlon_datalist(file, is_segmentation=False, base_dir=images)",
        ending=".json",
        make=_one(".json", monai_file),
    ),
    FIFTYONE: Form(
        title="FiftyOne (JSON)",
        use=(
            "name it samples.json, then fiftyone.Dataset.from_dir(dataset_dir=folder, "
            "dataset_type=fiftyone.types.LegacyFiftyOneDataset, rel_dir=images)"
        ),
        ending=".json",
        make=_one(".json", fiftyone_file),
    ),
    KEY_OBJECTS: Form(
        title="DICOM Key Object Selection",
        use="store the files in the archive that holds the images; one per study",
        ending="",
        make=lambda chosen, with_uids: key_object_files(chosen, with_uids=with_uids),
    ),
}


def take_away(
    chosen: ChosenSamples, form: str, out: Path, *, links: bool = False, with_uids: bool = False
) -> str:
    """Write a coreset in one form.

    Parameters
    ----------
    chosen : ChosenSamples
    form : str
        One of :data:`coreset_lib.export.forms.NAMES`.
    out : Path
        A file, or for forms of several files a folder.
    links : bool
        Only of the form "folder": links in the place of copies.
    with_uids : bool
        Only of the form "dicom-kos": the UIDs of studies and images may be given away.

    Returns
    -------
    str
        What was written, in words.

    Raises
    ------
    CoresetError
        If there is no such form, the samples do not fit it, or it cannot be written.
    """
    check_choice("form", form, NAMES)
    _check_fits(form, links=links, with_uids=with_uids)
    if form == FOLDER:
        return f"{write_folder(chosen, out, links=links)} samples in train, val and test"
    files = FORMS[form].make(chosen, with_uids)
    if FORMS[form].ending:
        (content,) = files.values()
        write_output(out, content)
    else:
        _write_all(out, files)
    return f"{len(chosen.indices)} samples. Use: {FORMS[form].use}"


def _check_fits(form: str, *, links: bool, with_uids: bool) -> None:
    """Raise CoresetError for an option of another form."""
    if links and form != FOLDER:
        raise CoresetError(f"--links must come with --form {FOLDER}, got {form}. Leave it away.")
    if with_uids and form != KEY_OBJECTS:
        raise CoresetError(
            f"--with-uids must come with --form {KEY_OBJECTS}, got {form}. Leave it away."
        )


def _write_all(out: Path, files: Files) -> None:
    """Write files into a folder, which is made if need be."""
    try:
        make_folder(out)
    except OSError as error:
        raise CoresetError(
            f"output {out} must be a folder that can be written: {error.strerror or error}. "
            "Name a new one."
        ) from None
    write_outputs({out / name: content for name, content in files.items()})
