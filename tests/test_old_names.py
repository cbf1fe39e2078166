"""What had another name once is still understood: options of runs and of the command line."""

import json
from pathlib import Path

import pytest

from coreset_lib.cli import _run
from coreset_lib.configs import TrainingConfig
from coreset_lib.datasets.files.decoding import DecodeOptions
from coreset_lib.datasets.preparing.prepared import content_key, prepared_folder
from coreset_lib.datasets.sources.listing import Listing


def test_the_window_of_an_older_manifest_is_the_grey_window():
    config = TrainingConfig(dataset="phantom", grey_window="40,400")
    older = {
        "window" if name == "grey_window" else name: value
        for name, value in config.as_dict().items()
    }
    assert TrainingConfig.from_dict(json.loads(json.dumps(older))) == config
    assert TrainingConfig.from_dict(config.as_dict()) == config


def test_an_option_that_never_was_is_refused():
    with pytest.raises(TypeError, match="windows"):
        TrainingConfig.from_dict({"dataset": "phantom", "windows": "file"})


def test_prepared_images_are_found_under_the_keys_of_version_0_1_0():
    options = DecodeOptions(image_size=64, grey_window="lung", pseudonym_key="ab" * 32)
    listing = Listing(kind="folder", root=Path("/data"), items=())
    assert (
        prepared_folder(Path("cache"), Path("/data/cells"), options).name == "aa72e72fd5a4c1dad797"
    )
    assert content_key(listing, options) == (
        "a072dcd185c73a74506483b0b7003354648b1e9427e6be29c847b0b35dc5b564"
    )


@pytest.mark.parametrize("option", [["--grey-window", "no"], ["--window", "no"], ["--window=no"]])
def test_the_old_option_of_the_command_line_is_understood(option, tmp_path, capsys):
    assert _run(["check", "--dataset", "phantom", *option, "--cache", str(tmp_path)]) == 2
    assert "grey window must be one of file, range" in capsys.readouterr().err


def test_the_old_option_is_not_in_the_help(capsys):
    assert _run(["train", "--help"]) == 0
    words = capsys.readouterr().out.split()
    assert "--grey-window" in words
    assert "--window" not in words
