"""Finding and loading the dataset that a person names."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from coreset_lib.cache import default_cache
from coreset_lib.checks import check_whole
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.dataset_list import DEFAULT_SIZE, existing_folder, own_paths
from coreset_lib.datasets.files.contract import DecodeOptions
from coreset_lib.datasets.files.grey_window import FROM_FILE, parse_grey_window
from coreset_lib.datasets.files.pseudonyms import pseudonym_key
from coreset_lib.datasets.labeled_images import LabeledImages, check_augmentation
from coreset_lib.datasets.preparing.prepare import Progress, no_progress, prepare
from coreset_lib.datasets.relabelling.label_noise import inject_label_noise
from coreset_lib.datasets.relabelling.label_tables import apply_labels, load_labels
from coreset_lib.datasets.sources import SOURCES, FoundSource, named_source, source_of
from coreset_lib.datasets.sources.choices import NO_CHOICES, ReadingChoices
from coreset_lib.datasets.sources.listing import Listing, check_within, shown
from coreset_lib.datasets.sources.source import ReadingOptions
from coreset_lib.errors import DatasetError
from coreset_lib.plugins import Plugin


def load_dataset(
    name_or_path: str | Path,
    *,
    data_root: str | Path | None = None,
    image_size: int = DEFAULT_SIZE,
    grey_window: str = FROM_FILE,
    skip_bad: bool = False,
    keep_patient_ids: bool = False,
    again: bool = False,
    cache: str | Path | None = None,
    roots: Sequence[Path] | None = None,
    choices: ReadingChoices = NO_CHOICES,
    leave_copies_out: bool = False,
    progress: Progress = no_progress,
) -> LabeledImages:
    """Return a dataset by name or path.

    Parameters
    ----------
    name_or_path : str or Path
        "phantom", a MedMNIST name, a file or folder under ``data_root``, or a path: of a
        MedMNIST-style .npz file (".npz" may be left out), of a folder with a folder of
        images per class, or of a CSV or TSV table with the columns path and label.
    data_root : str or Path, optional
        Folder with datasets, searched before the working directory and ~/.medmnist.
    image_size : int
        Height and width in pixels. Chooses among the sizes of the phantom and the
        MedMNIST sets; folders and tables are scaled to it; .npz files have their own
        size, which the default accepts.
    grey_window : str
        Grey window of DICOM and 16-bit images and arrays, see `parse_grey_window`.
    skip_bad : bool
        Leave out image files that cannot be used instead of refusing the dataset.
    keep_patient_ids : bool
        Keep patient ids readable, and columns that name people; by default only pseudonyms
        leave the files.
    again : bool
        Try image files once more that could not be used before.
    cache : str or Path, optional
        Where decoded images are kept; `default_cache` if not given.
    roots : sequence of Path, optional
        The only folders that files may come from; None allows all.
    choices : ReadingChoices
        How a table or folder is to be read where names do not tell.
    leave_copies_out : bool
        Leave images out of val and test that train holds a copy of, see `without_copies`.
    progress : callable
        Told image files decoded and to decode.

    Raises
    ------
    BadFilesError
        If image files cannot be used and ``skip_bad`` is not set.
    DatasetError
        If nothing answers to the name, or what does is unfit for training.
    """
    parse_grey_window(grey_window)
    root = existing_folder(data_root)
    if root is not None:
        check_within(root, roots)
    options = ReadingOptions(
        image_size=image_size,
        grey_window=grey_window,
        data_root=root,
        roots=roots,
        keep_patient_ids=keep_patient_ids,
        choices=choices,
    )
    dataset = _load(os.fspath(name_or_path).strip(), options)
    folder = default_cache() if cache is None else Path(cache)
    if isinstance(dataset, Listing):
        check_whole("image size", image_size, least=8, most=1024)
        decoding = DecodeOptions(
            image_size=image_size,
            grey_window=grey_window,
            pseudonym_key="" if keep_patient_ids else pseudonym_key(folder),
        )
        dataset = prepare(
            dataset, decoding, cache=folder, skip_bad=skip_bad, again=again, progress=progress
        )
    if not leave_copies_out:
        return dataset
    from coreset_lib.datasets.checking.left_out import without_copies

    return without_copies(dataset, cache=folder)


def load_configured(
    config: TrainingConfig,
    *,
    cache: Path | None = None,
    roots: Sequence[Path] | None = None,
    progress: Progress = no_progress,
) -> LabeledImages:
    """Return the dataset that a run is configured for, its labels spoilt and corrected.

    Raises as `load_dataset`, `check_augmentation`, `inject_label_noise`, `load_labels` and
    `apply_labels`.
    """
    dataset = load_dataset(
        config.dataset,
        data_root=config.data_root,
        image_size=config.image_size,
        grey_window=config.grey_window,
        skip_bad=config.skip_bad,
        keep_patient_ids=config.keep_patient_ids,
        choices=ReadingChoices.of(config.as_dict()),
        leave_copies_out=config.leave_copies_out,
        cache=cache,
        roots=roots,
        progress=progress,
    )
    check_augmentation(dataset, config.augmentation)
    dataset = inject_label_noise(
        dataset,
        kind=config.label_noise,
        rate=config.label_noise_rate,
        seed=config.label_noise_seed,
    )
    if not config.labels:
        return dataset
    rows = load_labels(default_cache() if cache is None else cache, config.labels)
    return apply_labels(dataset, rows, name="corrected labels")


def plugin_source(config: TrainingConfig) -> Plugin | None:
    """Return the other package that the dataset of a run is read by, if any is."""
    root = None if config.data_root is None else Path(config.data_root).expanduser()
    try:
        return SOURCES.plugin(_find(config.dataset.strip(), root)[0].key)
    except DatasetError:
        return None


def _load(name: str, options: ReadingOptions) -> LabeledImages | Listing:
    """Let the source of a dataset read it, or list its files."""
    found, place = _find(name, options.data_root)
    if isinstance(place, Path):
        check_within(place, options.roots)
    with SOURCES.blaming(found.key):
        options.choices.check_for(f"{shown(os.path.basename(place))}", takes=found.source.choices)
        return found.source.load(place, options)


def _find(name: str, root: Path | None) -> tuple[FoundSource, str | Path]:
    """Return who reads what a person means, and its name or path."""
    found = named_source(name)
    if found is not None:
        return found, name.lower()
    path = _find_path(name, root)
    found = source_of(path)
    if found is None:
        raise DatasetError(
            f"dataset must be a folder of class folders, a .csv or .tsv table, or an .npz file, "
            f"got the file {shown(path.name)}. Give the folder or table that holds the labels."
        )
    return found, path


def _find_path(name: str, root: Path | None) -> Path:
    """Return what a person means: under the data folder first, then as a path."""
    names = _spellings(name)
    candidates = [root / option for option in names] if root and name else []
    candidates += [root] if root and root.name == name else []
    candidates += [_expanded(option) for option in names if option]
    for test in (os.path.isfile, os.path.isdir):
        for path in candidates:
            if test(path):
                return path
    raise _unknown(name, root)


def _spellings(name: str) -> list[str]:
    """Return a name, and the same with each suffix that may be left out."""
    sources = list(SOURCES.values())
    if name.lower().endswith(tuple(suffix for source in sources for suffix in source.suffixes)):
        return [name]
    return [name] + [
        f"{name}{source.suffixes[0]}" for source in sources if source.may_leave_out_suffix
    ]


def _expanded(name: str) -> Path:
    """Return a path with the tilde replaced, if there is a home to put there."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _unknown(name: str, root: Path | None) -> DatasetError:
    """Return the error for a name nothing answers to, near matches first."""
    own = (path.name for path in own_paths(root))
    names = [*(each for source in SOURCES.values() for each in source.names()), *own]
    near = get_close_matches(name.lower(), names, n=2, cutoff=0.6)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return DatasetError(
        "dataset must be the path of an image folder, a .csv or .tsv table or an .npz file, or "
        f"one of {', '.join(names)}, "
        f"got {name!r}{'' if root is None else f', which is not in {root}'}.{hint}"
    )
