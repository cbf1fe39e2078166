"""Tables of labels and of images as people, spreadsheets and accidents write them."""

import csv
import io
import shutil

import hostile_input as hostile
import pytest

COLUMNS = (
    "sample_id",
    "new",
    "new_label",
    "label",
    "who",
    "reader",
    "status",
    "why",
    "when",
    "old",
)
STATUSES = ("confirmed", "Confirmed", "rejected", "conflict", "proposed", "", "open", "?")
IMAGE_COLUMNS = (
    "path",
    "file",
    "image",
    "label",
    "class",
    "split",
    "patient_id",
    "Patientenname",
    "age",
)


@pytest.fixture(scope="module")
def run_cache(tmp_path_factory, fuzzed_cache):
    """A copy of the cache, with an admin who may import."""
    cache = tmp_path_factory.mktemp("tables") / "cache"
    shutil.copytree(fuzzed_cache, cache)
    hostile.command(
        ["review", "users", "--add", "anna", "--role", "admin", "--as", "anna", "--cache", cache]
    )
    return cache


def written(rng, rows):
    """Return a table as some program writes it, and sometimes spoilt."""
    text = io.StringIO()
    separator = rng.choice((",", ",", ",", ";", "\t"))
    writer = csv.writer(text, delimiter=separator, lineterminator=rng.choice(("\n", "\r\n", "\r")))
    writer.writerows(rows)
    encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "latin-1", "utf-16"))
    content = text.getvalue().encode(encoding, "replace")
    return hostile.damaged(rng, content) if rng.random() < 0.3 else content


def label_rows(rng, samples):
    """Return the rows of a table of labels."""
    columns = ["sample_id", rng.choice(("new", "new_label", "label"))]
    columns += rng.sample(COLUMNS, rng.randrange(4))
    if rng.random() < 0.15:
        columns[rng.randrange(len(columns))] = hostile.text(rng)
    rows = [columns]
    for _ in range(rng.randrange(12)):
        row = []
        for column in columns:
            good = {"sample_id": rng.choice(samples), "status": rng.choice(STATUSES)}
            cell = good.get(column, rng.choice(("kidney", "=liver", "spleen", "Kidney", "1")))
            row.append(
                hostile.text(rng, extra=hostile.BYTES_TEXTS[:2]) if rng.random() < 0.1 else cell
            )
        rows.append(row[: rng.randrange(len(row) + 1)] if rng.random() < 0.05 else row)
    return rows


def test_no_table_of_labels_ends_in_a_traceback(run_cache, tmp_path, tiny_dataset):
    samples = tiny_dataset.train.sample_ids
    table = tmp_path / "labels.csv"

    def attempt(rng, number):
        content = written(rng, label_rows(rng, samples))
        table.write_bytes(content)
        report = ["--report", tmp_path / "report.csv"] if number % 7 == 0 else []
        status = hostile.command(rng.choice(uses_of(table, run_cache, report)))
        assert table.read_bytes() == content
        return status

    hostile.each(700, "labels", attempt)


def uses_of(table, cache, report):
    """Return the commands that read a table of labels."""
    out = table.with_name("diff.csv")
    labels = ["review", "diff", "latest", "--labels", table, "--cache", cache]
    incoming = ["review", "import", "latest", table, "--as", "anna", "--cache", cache]
    return (
        labels,
        [*labels, "--out", out],
        [*incoming, "--trial", *report],
        [*incoming, "--reader", "bob"],
        ["compare", table, table],
    )


def image_rows(rng, files):
    """Return the rows of a table of images."""
    columns = [rng.choice(IMAGE_COLUMNS[:3]), rng.choice(IMAGE_COLUMNS[3:5])]
    columns += rng.sample(IMAGE_COLUMNS, rng.randrange(5))
    rows = [columns]
    for number in range(rng.randrange(16)):
        row = []
        for column in columns:
            good = {
                "split": rng.choice(("train", "val", "test", "Training", "")),
                "label": rng.choice(("a", "b", "0", "1", "1.0")),
                "patient_id": f"P{number // 2}",
                "age": str(rng.randrange(100)),
            }
            cell = good.get(column, rng.choice(files))
            row.append(
                hostile.text(rng, extra=hostile.BYTES_TEXTS[:2]) if rng.random() < 0.06 else cell
            )
        rows.append(row)
    return rows


def test_no_table_of_images_ends_in_a_traceback(fuzzed_files, tmp_path):
    shutil.copytree(fuzzed_files / "images", tmp_path / "images")
    files = [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.png"))]
    table = tmp_path / "images.csv"
    before = hostile.digest(tmp_path / "images")

    def attempt(rng, _):
        content = written(rng, image_rows(rng, files))
        table.write_bytes(content)
        status = hostile.command(["check", "--dataset", table, "--cache", tmp_path / "cache"])
        assert table.read_bytes() == content
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        return status

    hostile.each(300, "images", attempt)
    assert hostile.digest(tmp_path / "images") == before
