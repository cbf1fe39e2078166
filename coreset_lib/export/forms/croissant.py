"""A coreset described in Croissant 1.1, the metadata format of MLCommons."""

import base64
import json
from typing import Any

from coreset_lib.export.forms.chosen import TEXTS, WHOLE, ChosenSamples

VERSION = "http://mlcommons.org/croissant/1.1"
# The aliases of the specification, appendix 1.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
ABOUT = {
    "index": "Position in the full training split, from 0.",
    "sample_id": "Stable name of the sample.",
    "label": "Number of the class, from 0.",
    "class_name": "Name of the class.",
    "labels": "All labels of the sample.",
    "source": "Where the image comes from: a file, or an archive and its row.",
    "rank": "Rank among all training samples, 1 = hardest; or the order of the draw.",
    "forgetting_events": "Times that the sample was learned and forgotten again.",
    "cluster": "Cluster inside its class, empty where nothing was clustered.",
    "review_status": "Where its label stands in the review, empty without one.",
}
UNKNOWN = "not stated: ask whoever gave the images"


def croissant_files(chosen: ChosenSamples) -> dict[str, bytes]:
    """Return the coreset's table, its provenance, and ``croissant.json`` that describes them.

    Use it as ``mlcroissant.Dataset("croissant.json").records("coreset")``. The images are
    not in it: they stay where the dataset is.
    """
    table = f"{chosen.name}.csv"
    description = json.dumps(_description(chosen, table), ensure_ascii=False, indent=2)
    return {
        "croissant.json": f"{description}\n".encode(),
        table: chosen.export.csv,
        f"{chosen.name}.provenance.json": chosen.export.provenance_bytes(),
    }


def _description(chosen: ChosenSamples, table: str) -> dict[str, Any]:
    """Return the JSON-LD document."""
    record, dataset = chosen.export.provenance, chosen.run.manifest.dataset
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": VERSION,
        "name": chosen.name,
        "description": (
            f"{len(chosen.indices)} of the {dataset.n_train} training samples of "
            f"{dataset.title or dataset.name}, chosen from the training dynamics of run "
            f"{chosen.run.run_id}. Dataset fingerprint {dataset.fingerprint}. "
            "For research use only."
        ),
        "citeAs": (
            f"Coreset {chosen.name} of {dataset.title or dataset.name}, "
            f"sha256 {record['sha256']}, made with coreset-lens."
        ),
        "license": dataset.licence or UNKNOWN,
        # RFC 6920: the address of these very bytes, wherever they lie.
        "url": f"ni:///sha-256;{_base64(record['sha256'])}",
        "creator": {"@type": "sc:Organization", "name": UNKNOWN},
        "datePublished": record["created"],
        "version": "1.0.0",
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "table",
                "name": table,
                "contentUrl": table,
                "contentSize": f"{len(chosen.export.csv)} B",
                "encodingFormat": "text/csv",
                "sha256": record["sha256"],
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "coreset",
                "name": "coreset",
                "description": "One record per chosen sample.",
                "key": {"@id": "coreset/index"},
                "field": [_field(column) for column in chosen.columns],
            }
        ],
    }


def _field(column: str) -> dict[str, Any]:
    """Describe a column."""
    kind = "Integer" if column in WHOLE else "Text" if column in TEXTS else "Float"
    return {
        "@type": "cr:Field",
        "@id": f"coreset/{column}",
        "name": column,
        "description": ABOUT.get(column, "Score of the sample; rank 1 is its hardest."),
        "dataType": f"sc:{kind}",
        "source": {"fileObject": {"@id": "table"}, "extract": {"column": column}},
    }


def _base64(digest: str) -> str:
    """Return a hex digest as RFC 6920 writes it."""
    return base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
