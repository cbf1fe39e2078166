"""Whether a class can be told by a column of the table: a scanner, a site, a ward."""

from coreset_lib.datasets.checking.file_forms import (
    FEWEST_FILES,
    class_examples,
    tells_classes,
)
from coreset_lib.datasets.labeled_images import LabeledImages
from coreset_lib.datasets.sources.listing import PARTS, shown
from coreset_lib.datasets.sources.table_columns import LABEL_NAMES

MOST_VALUES = 20
LARGEST_BLANK_SHARE = 0.5
OF_READERS = "readerlabels"


def column_warnings(dataset: LabeledImages) -> list[str]:
    """Say which columns of the table tell the classes apart.

    Notes
    -----
    Judged as the form of files is (:func:`form_warnings`). Columns named as labels are, of more
    than `MOST_VALUES` values, or blank in more than `LARGEST_BLANK_SHARE` of the rows are left out.
    """
    if dataset.is_multi_label:
        return []
    splits = [getattr(dataset, part) for part in PARTS]
    classes = [int(label) for split in splits for label in split.labels]
    if len(classes) < FEWEST_FILES:
        return []
    found: list[str] = []
    for name in dataset.train.extra:
        cells = [cell.strip() for split in splits for cell in split.extra[name]]
        if _is_property(name, cells) and tells_classes(cells, classes):
            examples = class_examples(
                [shown(cell) or "blank" for cell in cells], classes, dataset.class_names
            )
            found.append(f"{shown(name)} ({examples})")
    if not found:
        return []
    return [
        f"Classes can be told by a column of the table, without a look at the image: by "
        f"{'; '.join(found)}. A network may learn where an image comes from instead of the finding."
    ]


def _is_property(name: str, cells: list[str]) -> bool:
    """Whether a column may say where images come from, rather than what they show or which."""
    plain = "".join(letter for letter in name.casefold() if letter.isalnum())
    if plain in (*LABEL_NAMES, OF_READERS):
        return False
    is_filled = cells.count("") <= LARGEST_BLANK_SHARE * len(cells)
    return is_filled and len(set(cells)) <= MOST_VALUES
