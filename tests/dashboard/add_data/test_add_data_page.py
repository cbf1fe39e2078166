"""Adding data: only from allowed folders, a verdict before training, then over to the form."""

import numpy as np
import pytest
from PIL import Image

from coreset_lib.cache import ROOTS_VARIABLE
from coreset_lib.errors import CoresetError
from dashboard.add_data import preparation
from dashboard.shared.start.form import FOLDER, READING

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:streamlit")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder that the operator allowed."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    monkeypatch.setenv(ROOTS_VARIABLE, str(folder))
    return folder


@pytest.fixture
def write_images():
    """Return ``write(folder, count)``: an image folder with the classes alpha and beta."""

    def write(folder, count=120):
        random = np.random.default_rng(0)
        for number in range(count):
            target = folder / ("alpha", "beta")[number % 2] / f"{number:03d}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(target)
        return folder

    return write


def check(dashboard, path):
    """Ask for a check of a dataset and wait for its end."""
    dashboard.labelled("text_input", "Folder, table or file in it").set_value(path)
    dashboard.labelled("button", "Check this data").click()
    dashboard.run()
    for job in preparation._jobs().values():
        job.wait()
    return dashboard.run()


def expander(dashboard, title):
    return next(e for e in dashboard.app.expander if e.label == title)


def test_the_form_is_closed_until_data_was_handed_over(open_dashboard):
    assert not expander(open_dashboard("runs"), "Start a new run").proto.expanded


def test_an_empty_folder_is_told_in_one_sentence(open_dashboard, root):
    (root / "nothing").mkdir()
    (error,) = check(open_dashboard("add_data"), "nothing").errors
    assert "must be a folder with one folder of images per class" in error


def test_a_good_folder_gets_a_verdict_images_and_the_way_to_training(
    open_dashboard, root, write_images
):
    write_images(root / "cells")
    dashboard = open_dashboard("add_data")
    dashboard.labelled("button_group", "Found there").select("cells")
    dashboard.run()
    assert dashboard.labelled("text_input", "Folder, table or file in it").value == "cells"
    check(dashboard, "cells")
    assert not dashboard.errors
    assert "Fit for training: nothing stands out." in dashboard.words
    assert dashboard.metric("Train images") == "84"
    assert "alpha (42)" in dashboard.words.replace("*", "")
    assert len(dashboard.app.get("image")) == 12
    assert "only if left and right, top and bottom mean nothing" in dashboard.words
    dashboard.labelled("selectbox", "Image size").set_value(64)
    check(dashboard, "cells")
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    assert dashboard.labelled("text_input", "Folder with dataset files").value == str(root)
    assert dashboard.labelled("selectbox", "Dataset").value == "cells"
    assert dashboard.labelled("selectbox", "Image size").value == 64
    assert expander(dashboard, "Start a new run").proto.expanded
    assert "84 training images" in dashboard.labelled("selectbox", "Network").help
    assert dashboard.labelled("number_input", "Batch size").value == 16


def test_bad_files_are_listed_and_left_out_only_with_consent(open_dashboard, root, write_images):
    folder = write_images(root / "cells")
    (folder / "alpha" / "000.png").write_bytes(b"no image")
    dashboard = check(open_dashboard("add_data"), "cells")
    assert "1 file cannot be used" in dashboard.words
    button = dashboard.labelled("button", "Train on this data")
    assert button.disabled
    (consent,) = dashboard.app.checkbox
    consent.check()
    dashboard.run()
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    assert dashboard.labelled("checkbox", "Leave out files that cannot be used").value


@pytest.mark.parametrize("path", ["../outside", "/", "../allowed/../outside"])
def test_nothing_outside_the_allowed_folder_is_read(
    open_dashboard, root, write_images, tmp_path, path
):
    write_images(tmp_path / "outside")
    (error,) = check(open_dashboard("add_data"), path).errors
    assert "must lie below a folder that was allowed" in error


def test_a_link_out_of_the_allowed_folder_is_not_followed(
    open_dashboard, root, write_images, tmp_path
):
    (root / "link").symlink_to(write_images(tmp_path / "outside"))
    (error,) = check(open_dashboard("add_data"), "link").errors
    assert "must lie below a folder that was allowed" in error


def test_the_start_form_takes_allowed_folders_only(open_dashboard, root, tmp_path):
    dashboard = open_dashboard("runs")
    dashboard.labelled("text_input", "Folder with dataset files").set_value(str(tmp_path))
    (error,) = dashboard.run().errors
    assert "must lie below a folder that was allowed" in error
    dashboard.labelled("text_input", "Folder with dataset files").set_value(str(root))
    assert not dashboard.run().errors


def test_names_of_classes_are_text_and_not_markup(open_dashboard, root, write_images):
    folder = write_images(root / "cells")
    (folder / "alpha").rename(folder / "**bold** ![i](x)")
    dashboard = check(open_dashboard("add_data"), "cells")
    drawn = [e.value for kind in ("markdown", "caption") for e in getattr(dashboard.app, kind)]
    assert not any("![i](" in text for text in drawn)


def test_copies_are_shown_pair_by_pair(open_dashboard, root, write_images):
    folder = write_images(root / "cells")
    for part, numbers in (("train", range(60)), ("val", range(60, 80)), ("test", range(80, 120))):
        for number in numbers:
            image = folder / ("alpha", "beta")[number % 2] / f"{number:03d}.png"
            target = root / "parted" / part / image.parent.name / image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            source = folder / "alpha" / "004.png" if number == 101 else image
            target.write_bytes(source.read_bytes())
    dashboard = check(open_dashboard("add_data"), "parted")
    assert not dashboard.errors
    assert "1 test image has an exact copy in train under another label." in dashboard.words
    (table,) = [t.value for t in dashboard.app.dataframe if "likeness" in t.value]
    assert table["image"].tolist() == ["train/alpha/004.png (train, alpha)"]
    assert table["and its copy"].tolist() == ["test/beta/101.png (test, beta)"]
    assert table["likeness"].tolist() == ["exact"]
    assert all(picture.startswith("data:image/png") for picture in table[""])


def test_a_window_of_ones_own_is_taken_along(open_dashboard, root, write_images):
    write_images(root / "cells")
    dashboard = open_dashboard("runs")
    reading = {"folder": str(root), "dataset": "cells", "image_size": 64, "grey_window": "40,400"}
    dashboard.app.session_state[FOLDER] = str(root)
    dashboard.app.session_state[READING] = reading
    dashboard.run()
    dashboard.labelled("selectbox", "Dataset").set_value("cells")
    dashboard.run()
    assert dashboard.labelled("selectbox", "Grey window").value == "40,400"
    assert dashboard.labelled("selectbox", "Image size").value == 64


def test_a_window_that_is_none_is_told_in_one_sentence(cache, root, write_images):
    write_images(root / "cells")
    job = preparation.Job(preparation.Choice(str(root / "cells"), 28, "40,wide")).start()
    job.wait()
    assert job.error.startswith("grey window must be one of file, range, abdomen")


def test_an_array_of_16_bits_keeps_its_window(open_dashboard, root):
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 60), ("val", 20), ("test", 20)):
        arrays[f"{part}_images"] = random.integers(0, 4096, (count, 12, 12)).astype(np.uint16)
        arrays[f"{part}_labels"] = np.arange(count) % 2
    np.savez(root / "scan.npz", **arrays)
    dashboard = open_dashboard("add_data")
    dashboard.labelled("selectbox", "Grey window").set_value("bone")
    check(dashboard, "scan.npz")
    assert not dashboard.errors
    assert "Originals: 1 file, 12 × 12 pixels, 16 bits, values" in dashboard.words
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    assert not dashboard.errors
    assert dashboard.labelled("selectbox", "Grey window").value == "bone"


def test_images_with_sides_are_not_offered_to_be_mirrored(open_dashboard, root):
    dashboard = open_dashboard("runs")
    offered = dashboard.labelled("selectbox", "Change training images on the way")
    assert offered.options == ["no", "move by up to 2 pixels"]
    assert "sides mean something" in offered.help


@pytest.mark.parametrize(
    ("stage", "raised", "words"),
    [
        ("load_dataset", TypeError("no\nsuch  thing"), "(TypeError: no such thing)"),
        ("dataset_report", RecursionError("too deep"), "(RecursionError: too deep)"),
        ("dataset_report", SystemExit(3), "(SystemExit: 3)"),
    ],
)
def test_whatever_ends_a_check_is_one_sentence_and_its_traceback_is_in_the_log(
    open_dashboard, root, write_images, monkeypatch, caplog, stage, raised, words
):
    def fail(*_, **__):
        raise raised

    write_images(root / "cells")
    monkeypatch.setattr(preparation, stage, fail)
    dashboard = check(open_dashboard("add_data"), "cells")
    (error,) = dashboard.errors
    assert "\n" not in error
    assert f"The check of this dataset ended unexpectedly {words}. Check it again" in error
    assert "Looking at the files" not in dashboard.words
    (record,) = [r for r in caplog.records if r.name == "dashboard.add_data.preparation"]
    assert record.exc_info[1] is raised


def test_a_check_that_fails_without_a_word_has_ended_all_the_same(cache, root, monkeypatch):
    def fail(*_, **__):
        raise CoresetError

    monkeypatch.setattr(preparation, "load_dataset", fail)
    job = preparation.Job(preparation.Choice(str(root), 28, "")).start()
    job.wait()
    assert not job.is_running


def write_table(root, write_images, header, row, count=60):
    """Write a table beside images in the folders alpha and beta."""
    folder = write_images(root / "set", count)
    names = [f"{('alpha', 'beta')[n % 2]}/{n:03d}.png" for n in range(count)]
    lines = [header, *(row(n, name) for n, name in enumerate(names))]
    (folder / "meta.csv").write_text("\n".join(lines))
    return "set/meta.csv"


def test_columns_are_chosen_with_a_preview_before_anything_is_read(
    open_dashboard, root, write_images
):
    path = write_table(
        root,
        write_images,
        "where,edema,mass,person",
        lambda n, name: f"{name},{n % 2},{1 - n % 2},{n // 3}",
    )
    dashboard = open_dashboard("add_data")
    dashboard.labelled("text_input", "Folder, table or file in it").set_value(path)
    dashboard.run()
    assert not dashboard.errors
    assert dashboard.labelled("selectbox", "Column with file names").value == "where"
    assert dashboard.labelled("multiselect", "Column with labels").value == ["edema", "mass"]
    assert not any(str(root) in choice.path for choice in preparation._jobs())
    dashboard.labelled("selectbox", "Images stay together by").set_value("person")
    dashboard.run()
    text = "\n".join(element.value for element in dashboard.app.markdown)
    assert "**60 images**: edema 30, mass 30" in text
    assert "20 groups, largest 3" in text
    dashboard.labelled("button", "Check this data").click()
    dashboard.run()
    (job,) = (job for choice, job in preparation._jobs().items() if str(root) in choice.path)
    job.wait()
    dashboard.run()
    assert job.choice.choices.path_column == "where"
    assert job.choice.choices.group_by == "person"
    assert job.report.class_names == ("edema", "mass")
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    handed = dashboard.app.session_state[READING]["choices"]
    assert handed["label_column"] == "edema,mass"


def test_copies_are_left_out_with_one_click(open_dashboard, root, write_images):
    folder = write_images(root / "set", 60)
    for part, shift in (("train", 0), ("val", 1), ("test", 2)):
        for number in range(60):
            name = ("alpha", "beta")[number % 2]
            source = folder / name / f"{number:03d}.png"
            is_new = part == "train" or number < 20
            if part == "train" or number < 30:
                target = root / "split" / part / name / f"{number}.png"
                target.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.asarray(Image.open(source))
                if part != "train" and is_new:
                    pixels = np.random.default_rng(number + 100 * shift).integers(
                        0, 256, (28, 28), np.uint8
                    )
                Image.fromarray(pixels).save(target)
    dashboard = check(open_dashboard("add_data"), "split")
    assert dashboard.labelled("button", "Train on this data").proto.type == "secondary"
    dashboard.labelled("button", "Leave copies out of val and test").click()
    dashboard.run()
    for job in preparation._jobs().values():
        job.wait()
    dashboard.run()
    (job,) = (job for choice, job in preparation._jobs().items() if choice.leave_copies_out)
    assert [len(job.dataset.val), len(job.dataset.test)] == [20, 20]
    assert dashboard.labelled("button", "Train on this data").proto.type == "primary"
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    assert dashboard.app.session_state[READING]["choices"]["leave_copies_out"] is True


def test_a_finer_size_is_offered_for_large_originals(open_dashboard, root):
    random = np.random.default_rng(0)
    for number in range(60):
        target = root / "large" / ("alpha", "beta")[number % 2] / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (120, 130), np.uint8)).save(target)
    dashboard = open_dashboard("add_data")
    dashboard.labelled("text_input", "Folder, table or file in it").set_value("large")
    dashboard.run()
    dashboard.labelled("selectbox", "Image size").set_value(28)
    check(dashboard, "large")
    assert any("120 pixels on their shorter side" in each.value for each in dashboard.app.markdown)
    dashboard.labelled("button", "Read at 64 pixels").click()
    dashboard.run()
    for job in preparation._jobs().values():
        job.wait()
    own = [choice for choice in preparation._jobs() if str(root) in choice.path]
    assert {choice.image_size for choice in own} == {28, 64}


def test_a_window_that_hides_images_is_widened_with_one_click(open_dashboard, root):
    random = np.random.default_rng(0)
    for number in range(60):
        target = root / "wide" / ("alpha", "beta")[number % 2] / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(1000, 2000, (30, 30)).astype(np.uint16)).save(target)
    dashboard = open_dashboard("add_data")
    dashboard.labelled("selectbox", "Grey window").set_value("brain")
    check(dashboard, "wide")
    assert "The grey window makes 60 of 60 images white" in dashboard.words
    dashboard.labelled("button", "Read from darkest to brightest").click()
    dashboard.run()
    for job in preparation._jobs().values():
        job.wait()
    dashboard.run()
    assert not dashboard.errors
    assert "The grey window makes" not in dashboard.words
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    assert dashboard.app.session_state[READING]["grey_window"] == "range"


@pytest.mark.parametrize("is_wanted", [True, False])
def test_the_same_say_for_every_class_goes_along_unless_it_is_declined(
    open_dashboard, root, is_wanted
):
    random = np.random.default_rng(0)
    for number in range(160):
        target = root / "uneven" / ("rare" if number % 16 == 0 else "usual") / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(target)
    dashboard = check(open_dashboard("add_data"), "uneven")
    if not is_wanted:
        dashboard.labelled("checkbox", "Give every class the same say in the loss").uncheck()
    dashboard.run()
    dashboard.labelled("button", "Train on this data").click()
    dashboard.run()
    title = "Every class has the same say in the loss"
    assert dashboard.labelled("checkbox", title).value == is_wanted
