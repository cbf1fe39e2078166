"""Run by the Python of FiftyOne's own environment: read a coreset and print what was understood."""

import json
import sys

import fiftyone

folder, images = sys.argv[1:]
dataset = fiftyone.Dataset.from_dir(
    dataset_dir=folder, dataset_type=fiftyone.types.LegacyFiftyOneDataset, rel_dir=images
)
dataset.compute_metadata()
fields = ("index", "sample_id", "aum")
print(
    json.dumps(
        [
            {
                "filepath": sample.filepath,
                "label": sample.ground_truth.label,
                "tags": sample.tags,
                "size": [sample.metadata.width, sample.metadata.height],
            }
            | {name: sample[name] for name in fields}
            for sample in dataset
        ]
    )
)
dataset.delete()
