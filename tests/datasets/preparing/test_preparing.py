"""Decoding once: resumed, reused, never half, and never at the mercy of one file."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coreset_lib.datasets import LabeledImages, load_dataset
from coreset_lib.datasets.files.contract import UnreadableFile
from coreset_lib.datasets.preparing import decode_pool, row_store
from coreset_lib.datasets.preparing.stored_images import StoredImages
from coreset_lib.errors import BadFilesError, DatasetError

Write = Callable[..., Path]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of files that this process decodes from now on."""
    seen: list[str] = []
    true_decode = row_store.decode_file

    def spy(path: str, options: Any) -> Any:
        seen.append(Path(path).name)
        return true_decode(path, options)

    monkeypatch.setattr(row_store, "decode_file", spy)
    monkeypatch.setattr(decode_pool, "FEW_FILES", 10**9)
    return seen


def prepared(cache: Path) -> Path:
    """Return the folder of the only prepared dataset."""
    (folder,) = [path for path in (cache / "prepared").iterdir() if path.is_dir()]
    return folder


class TestOnce:
    def test_a_second_load_decodes_nothing(self, write_folder: Write, decoded: list[str]) -> None:
        folder = write_folder()
        first = load_dataset(folder)
        assert len(decoded) == 30
        second = load_dataset(folder)
        assert len(decoded) == 30
        assert second.fingerprint() == first.fingerprint()
        assert list(second.train.sample_ids) == list(first.train.sample_ids)

    def test_a_relative_path_is_the_same_dataset(
        self, write_folder: Write, decoded: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_folder()
        full = load_dataset(folder)
        for place, name in ((folder.parent, "cells"), (folder, "./."), (folder / "a", "..")):
            monkeypatch.chdir(place)
            relative = load_dataset(name)
            assert relative.fingerprint() == full.fingerprint()
            assert list(relative.train.sources) == list(full.train.sources)

    def test_images_stay_on_disk_until_they_are_asked_for(self, write_folder: Write) -> None:
        images = load_dataset(write_folder()).train.images
        assert isinstance(images, StoredImages)
        assert isinstance(images[:3], StoredImages)
        assert isinstance(images[2], np.ndarray)

    def test_only_new_and_changed_files_are_decoded(
        self, write_folder: Write, write_image: Write, decoded: list[str]
    ) -> None:
        folder = write_folder()
        before = load_dataset(folder)
        decoded.clear()
        write_image(folder / "a" / "000.png", np.full((28, 28), 9, np.uint8))
        write_image(folder / "b" / "new.png", np.full((28, 28), 10, np.uint8))
        after = load_dataset(folder)
        assert sorted(decoded) == ["000.png", "new.png"]
        assert after.fingerprint() != before.fingerprint()
        fresh = load_dataset(folder, cache=folder.parent / "elsewhere")
        assert after.fingerprint() == fresh.fingerprint()

    def test_other_labels_need_no_decoding(
        self, write_folder: Write, write_table: Write, data_root: Path, decoded: list[str]
    ) -> None:
        files = sorted(write_folder().rglob("*.png"))
        for labels in ("ab", "ba"):
            rows = [{"path": str(file), "label": labels[file.parent.name == "a"]} for file in files]
            load_dataset(write_table(data_root / "t.csv", rows))
        assert len(decoded) == 30

    def test_another_size_or_window_is_another_preparation(
        self, write_folder: Write, decoded: list[str]
    ) -> None:
        folder = write_folder()
        assert load_dataset(folder, image_size=64).image_size == (64, 64)
        assert load_dataset(folder, grey_window="0,100").image_size == (28, 28)
        assert len(decoded) == 60

    def test_a_prepared_set_loads_with_numpy_alone(self, image_files: Path) -> None:
        for name in ("png, grey", "dcm", "table.csv"):
            load_dataset(image_files / name, cache=image_files / "cache")
        code = (
            "import sys; from coreset_lib.datasets import load_dataset\n"
            "for name in ('png, grey', 'dcm', 'table.csv'):\n"
            "    d = load_dataset(sys.argv[1] + '/' + name, cache=sys.argv[1] + '/cache')\n"
            "print(*{name.partition('.')[0] for name in sys.modules})"
        )
        answer = subprocess.run(
            [sys.executable, "-c", code, str(image_files)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        heavy = {"torch", "PIL", "pydicom", "gdcm", "pandas", "scipy", "pydantic"}
        assert not heavy & set(answer.stdout.split())


class TestInterrupted:
    def test_what_was_decoded_before_a_stop_is_not_decoded_again(
        self, write_folder: Write, decoded: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("coreset_lib.datasets.preparing.prepare.MOST_FILES_PER_SHARD", 8)
        folder = write_folder()

        def stop(done: int, total: int) -> None:
            if done >= 16:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            load_dataset(folder, progress=stop)
        assert len(decoded) == 16
        reports: list[tuple[int, int]] = []
        load_dataset(folder, progress=lambda done, total: reports.append((done, total)))
        assert len(decoded) == 30
        assert reports[0] == (0, 14)
        assert reports[-1] == (14, 14)

    @pytest.mark.parametrize("step", ["_write_images", "write_bytes", "write_json"])
    def test_a_stop_while_writing_leaves_nothing_that_is_taken_for_whole(
        self,
        write_folder: Write,
        cache: Path,
        monkeypatch: pytest.MonkeyPatch,
        step: str,
    ) -> None:
        folder = write_folder()
        expected = load_dataset(folder, cache=folder.parent / "elsewhere").fingerprint()

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(f"coreset_lib.datasets.preparing.prepared.{step}", fail)
            with pytest.raises(DatasetError, match=r"No space left on device\. Free some space"):
                load_dataset(folder)
        assert not (prepared(cache) / "manifest.json").exists()
        assert not list(prepared(cache).glob("images-*"))
        assert load_dataset(folder).fingerprint() == expected

    def test_a_failed_update_leaves_the_old_set_whole(
        self, write_folder: Write, write_image: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_folder()
        before = load_dataset(folder)
        kept = before.fingerprint()
        added = write_image(folder / "a" / "new.png", np.zeros((28, 28), np.uint8))

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("coreset_lib.datasets.preparing.prepared.write_json", fail)
            with pytest.raises(DatasetError):
                load_dataset(folder)
        added.unlink()
        assert load_dataset(folder).fingerprint() == kept == before.fingerprint()

    @pytest.mark.parametrize("pattern", ["manifest.json", "table-*.json", "images-*.npy"])
    @pytest.mark.parametrize("damage", ["cut", "gone", "empty", "garbage"])
    def test_a_damaged_cache_is_made_anew(
        self, write_folder: Write, cache: Path, pattern: str, damage: str
    ) -> None:
        folder = write_folder()
        expected = load_dataset(folder).fingerprint()
        (file,) = prepared(cache).glob(pattern)
        content = file.read_bytes()
        if damage == "gone":
            file.unlink()
        else:
            broken = {"cut": content[: len(content) // 2], "empty": b"", "garbage": b"\xff" * 99}
            file.unlink()
            file.write_bytes(broken[damage])
        assert load_dataset(folder).fingerprint() == expected

    def test_rows_of_another_shape_in_a_shard_are_not_used(
        self, write_folder: Write, cache: Path, decoded: list[str]
    ) -> None:
        folder = write_folder()
        (folder / "a" / "bad.png").write_bytes(b"no image")
        with pytest.raises(BadFilesError):
            load_dataset(folder)
        for file in prepared(cache).glob("shards/*.1.raw"):
            file.write_bytes(file.read_bytes()[:-1])
        decoded.clear()
        load_dataset(folder, skip_bad=True)
        assert len(decoded) == 31

    def test_only_one_set_is_kept(self, write_folder: Write, cache: Path) -> None:
        folder = write_folder()
        load_dataset(folder)
        shutil.rmtree(folder)
        load_dataset(write_folder(seed=1))
        names = sorted(path.name.partition("-")[0] for path in prepared(cache).iterdir())
        assert names == [".lock", "images", "manifest.json", "shards", "table"]
        assert not list(prepared(cache).glob("shards/*"))


class TestBadFiles:
    def test_bad_files_are_listed_and_left_out_on_demand_only(self, write_folder: Write) -> None:
        folder = write_folder()
        for number in range(4):
            (folder / "a" / f"bad{number}.png").write_bytes(b"no image")
        with pytest.raises(BadFilesError, match="4 of 34 files in cells cannot be used") as caught:
            load_dataset(folder)
        assert "a/bad0.png is no PNG, JPEG, BMP, TIFF or DICOM image" in str(caught.value)
        assert "and 1 more" in str(caught.value)
        assert len(caught.value.bad) == 4
        assert sum(map(len, parts(load_dataset(folder, skip_bad=True)))) == 30
        with pytest.raises(BadFilesError, match="4 of 34"):
            load_dataset(folder)

    def test_bad_files_are_tried_again_on_demand(
        self, write_folder: Write, decoded: list[str]
    ) -> None:
        folder = write_folder()
        (folder / "a" / "bad.png").write_bytes(b"no image")
        load_dataset(folder, skip_bad=True)
        decoded.clear()
        load_dataset(folder, skip_bad=True)
        assert decoded == []
        load_dataset(folder, skip_bad=True, again=True)
        assert decoded == ["bad.png"]

    def test_nothing_but_bad_files(self, write_folder: Write) -> None:
        folder = write_folder()
        for file in folder.rglob("*.png"):
            file.write_bytes(b"no image")
        with pytest.raises(DatasetError, match="must have at least one image that can be read"):
            load_dataset(folder, skip_bad=True)

    def test_a_file_that_kills_its_decoder_is_named_and_the_rest_is_read(
        self, write_folder: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        folder = write_folder()
        killer = tmp_path / "killer.py"
        killer.write_text(
            "import os\n"
            "from coreset_lib.datasets.preparing import decode_worker, row_store\n"
            "decode = row_store.decode_file\n"
            "def die(path, options):\n"
            "    if path.endswith(('004.png', '007.png')):\n"
            "        os.abort()\n"
            "    return decode(path, options)\n"
            "row_store.decode_file = die\n"
            "decode_worker.main()\n"
        )
        monkeypatch.setattr(decode_pool, "DECODING", [sys.executable, str(killer)])
        monkeypatch.setattr(decode_pool, "FEW_FILES", 0)
        with pytest.raises(BadFilesError) as caught:
            load_dataset(folder)
        assert dict(caught.value.bad) == {
            "a/004.png": "makes its decoder crash",
            "b/007.png": "makes its decoder crash",
        }

    def test_a_decoder_that_never_starts_is_one_sentence(
        self, write_folder: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(decode_pool, "FEW_FILES", 0)
        monkeypatch.setattr(decode_pool, "DECODING", [sys.executable, "-c", "pass"])
        with pytest.raises(DatasetError, match="the decoding process ends at once"):
            load_dataset(write_folder())

    def test_what_nobody_thought_of_is_one_sentence_too(
        self,
        write_folder: Write,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(decode_pool, "FEW_FILES", 0)
        monkeypatch.setattr(decode_pool, "DECODING", [sys.executable, "-c", "print(3)"])
        with pytest.raises(DatasetError, match=r"decoding ended unexpectedly \(TypeError: "):
            load_dataset(write_folder())
        records = [
            r for r in caplog.records if r.name == "coreset_lib.datasets.preparing.decode_pool"
        ]
        assert records
        assert all(record.exc_info for record in records)

    def test_processes_and_this_process_decode_alike(
        self, write_folder: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = write_folder(count=70)
        monkeypatch.setattr("coreset_lib.datasets.preparing.prepare.MOST_FILES_PER_SHARD", 8)
        reports: list[tuple[int, int]] = []
        apart = load_dataset(folder, progress=lambda *at: reports.append(at))
        assert reports[0] == (0, 70)
        assert reports[-1] == (70, 70)
        assert reports == sorted(reports)
        monkeypatch.setattr(decode_pool, "FEW_FILES", 10**9)
        here = load_dataset(folder, cache=folder.parent / "elsewhere")
        assert here.fingerprint() == apart.fingerprint()


def parts(dataset: LabeledImages) -> tuple[Any, ...]:
    return dataset.train, dataset.val, dataset.test


class TestPlaces:
    def test_a_cache_that_cannot_be_written(self, write_folder: Write, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(DatasetError, match=r"cache .*file cannot be written"):
            load_dataset(write_folder(), cache=tmp_path / "file")

    def test_only_allowed_folders_are_read(
        self, write_folder: Write, write_table: Write, data_root: Path, tmp_path: Path
    ) -> None:
        folder = write_folder()
        load_dataset(folder, roots=[data_root])
        for roots in ([], [tmp_path / "other"]):
            with pytest.raises(DatasetError, match="must lie below a folder that was allowed"):
                load_dataset(folder, roots=roots)
        rows = [{"path": str(f), "label": f.parent.name} for f in folder.rglob("*.png")]
        outside = write_table(tmp_path / "t.csv", rows)
        with pytest.raises(BadFilesError, match=r"30 of 30 .* lies outside the folders"):
            load_dataset(outside, roots=[outside])

    def test_links_out_of_the_allowed_folders_are_refused_for_the_dashboard(
        self, write_folder: Write, write_image: Write, data_root: Path, tmp_path: Path
    ) -> None:
        folder = write_folder()
        secret = write_image(tmp_path / "secret" / "x.png", np.full((28, 28), 1, np.uint8))
        (folder / "a" / "link.png").symlink_to(secret)
        (folder / "b" / "more").symlink_to(secret.parent, target_is_directory=True)
        with pytest.raises(BadFilesError) as caught:
            load_dataset(folder, roots=[data_root])
        assert dict(caught.value.bad) == {
            "a/link.png": "lies outside the folders that the operator allowed"
        }
        assert sum(map(len, parts(load_dataset(folder)))) == 32

    def test_pseudonyms_are_those_of_one_cache(self, image_files: Path, tmp_path: Path) -> None:
        one, two = (
            load_dataset(image_files / "table.csv", cache=tmp_path / name) for name in ("c1", "c2")
        )
        assert len(set(one.train.patient_ids)) == len(set(two.train.patient_ids)) > 1
        assert not set(one.train.patient_ids) & set(two.train.patient_ids)
        key = tmp_path / "c1" / "prepared" / "pseudonym.key"
        assert key.stat().st_mode & 0o077 == 0

    def test_a_damaged_key_is_told(self, image_files: Path, tmp_path: Path) -> None:
        (tmp_path / "c" / "prepared").mkdir(parents=True)
        (tmp_path / "c" / "prepared" / "pseudonym.key").write_text("abc")
        with pytest.raises(DatasetError, match=r"key file .* must hold 64 hex digits"):
            load_dataset(image_files / "table.csv", cache=tmp_path / "c")

    def test_a_new_key_makes_new_pseudonyms_everywhere(
        self, image_files: Path, tmp_path: Path
    ) -> None:
        dicom, cache = image_files / "dcm", tmp_path / "c"
        before = load_dataset(dicom, cache=cache)
        (cache / "prepared" / "pseudonym.key").unlink()
        after = load_dataset(dicom, cache=cache)
        assert not set(before.train.patient_ids) & set(after.train.patient_ids)
        assert after.fingerprint() == before.fingerprint()

    def test_the_manifest_names_its_version(self, write_folder: Write, cache: Path) -> None:
        folder = write_folder()
        load_dataset(folder)
        manifest = prepared(cache) / "manifest.json"
        assert json.loads(manifest.read_text())["schema_version"] == 1

    def test_a_decoder_without_its_package_says_which(
        self, write_folder: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(path: str, options: Any) -> Any:
            raise UnreadableFile("needs the Python package PIL to be read")

        monkeypatch.setattr(row_store, "decode_file", fail)
        monkeypatch.setattr(decode_pool, "FEW_FILES", 99)
        with pytest.raises(BadFilesError, match="needs the Python package PIL to be read"):
            load_dataset(write_folder())
