"""Datasets: named, found, read and checked; every source yields `LabeledImages`."""

from coreset_lib.datasets.catalog import load_configured, load_dataset
from coreset_lib.datasets.checking.report import DatasetReport, dataset_report
from coreset_lib.datasets.dataset_list import DatasetInfo, list_datasets
from coreset_lib.datasets.labeled_images import LabeledImages, Split
from coreset_lib.datasets.sources.phantom.phantom import PhantomOptions, make_phantom

__all__ = [
    "DatasetInfo",
    "DatasetReport",
    "LabeledImages",
    "PhantomOptions",
    "Split",
    "dataset_report",
    "list_datasets",
    "load_configured",
    "load_dataset",
    "make_phantom",
]
