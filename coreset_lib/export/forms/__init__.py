"""A coreset in the forms that other programs read, one module per form."""

INDICES, HUGGINGFACE, CROISSANT, MONAI = "indices", "huggingface", "croissant", "monai"
FIFTYONE, FOLDER, KEY_OBJECTS = "fiftyone", "folder", "dicom-kos"
NAMES = (HUGGINGFACE, CROISSANT, MONAI, FIFTYONE, INDICES, FOLDER, KEY_OBJECTS)
