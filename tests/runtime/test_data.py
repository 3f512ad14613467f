"""Data: what loads, how it splits, and what is said of rows that do not fit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from gencompiler.runtime import data, named, toys
from gencompiler.runtime.errors import DiscreteData, RunError
from gencompiler.runtime.fields import Field, Support

DIGITS = [Field("x", (64,), Support("Integer", (0, 17)), storage="uint8")]
BITS = [Field("x", (64,), Support("Binary"), storage="uint8")]
PLANE = [Field("x", (2,), Support("Real"))]


def refused(source: data.Source, fields: list[Field], code: str) -> str:
    with pytest.raises(RunError) as caught:
        data.load(source, fields)
    assert caught.value.code == code
    return str(caught.value)


def test_digits_are_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    assert (named.digits() == datasets.load_digits().data).all()


def test_digits_split_into_three_disjoint_parts() -> None:
    loaded = data.load("digits", DIGITS)
    numbers = [part.numbers for part in (loaded.train, loaded.valid, loaded.test)]
    assert [len(n) for n in numbers] == [1437, 180, 180]
    assert sorted(torch.cat(numbers).tolist()) == list(range(1797))
    assert loaded.train.tensors["x"].dtype == torch.uint8
    whole = torch.from_numpy(named.digits())
    assert torch.equal(loaded.test.tensors["x"], whole[loaded.test.numbers])


def test_test_rows_do_not_depend_on_the_validation_fraction() -> None:
    one, other = data.load("digits", DIGITS, 0.1), data.load("digits", DIGITS, 0.3)
    assert torch.equal(one.test.numbers, other.test.numbers)
    assert len(other.valid) == 539
    assert len(data.load("digits", DIGITS, 0.0).valid) == 0


def test_binarization_is_fixed() -> None:
    bits = data.load("digits_binary", BITS)
    values = torch.cat([bits.train.tensors["x"], bits.valid.tensors["x"], bits.test.tensors["x"]])
    assert set(values.unique().tolist()) == {0, 1}
    assert float(values.double().mean()) == pytest.approx(float(named.digits().mean()) / 16, abs=0.01)
    digest = hashlib.sha256(named.binarize(named.digits(), 16).tobytes()).hexdigest()
    assert digest == "d46708474b68cb52b36215ef39868d1ab67c65e27a9a0ef89161a568a920a68b"


def test_binarization_has_the_levels_as_its_probabilities() -> None:
    levels = np.repeat(np.arange(5), 40_000).reshape(5, 200, 200)
    means = named.binarize(levels, 4, seed=3).mean((1, 2))
    assert means[0] == 0
    assert means[4] == 1
    assert means[1:4] == pytest.approx([0.25, 0.5, 0.75], abs=0.012)  # five standard errors
    assert (named.binarize(levels, 4, seed=3) != named.binarize(levels, 4, seed=4)).any()


def test_mnist_from_a_file(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    train = generator.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    test = generator.integers(0, 256, (10, 4, 4), dtype=np.uint8)
    file = tmp_path / "mnist.npz"
    np.savez(file, x_train=train, x_test=test, y_train=np.zeros(60), y_test=np.zeros(10))
    grey = data.load(f"mnist:{file}", [Field("x", (16,), Support("Integer", (0, 256)), storage="uint8")])
    assert [len(grey.train), len(grey.valid), len(grey.test)] == [50, 10, 10]
    assert torch.equal(grey.test.tensors["x"], torch.from_numpy(test).reshape(10, 16))
    binary = data.load(f"mnist_binary:{file}", [Field("x", (4, 4), Support("Binary"), storage="uint8")])
    assert binary.valid.tensors["x"].shape == (10, 4, 4)
    assert "needs a file" in refused("mnist", BITS, "G806")


@pytest.mark.parametrize("name", toys.TOYS)
def test_toys(name: str) -> None:
    loaded = data.load(name, PLANE)
    assert loaded.train.tensors["x"].shape == (16000, 2)
    points = toys.TOYS[name]()
    assert (points == toys.TOYS[name]()).all()
    assert not np.allclose(points, toys.TOYS[name](seed=1))
    assert np.isfinite(points).all()
    assert 0.5 < points.std() < 5


def test_normals_of_the_toys_are_normal() -> None:
    x = toys._Source(3).normal(200_000)
    assert abs(x.mean()) < 0.01
    assert x.std() == pytest.approx(1, abs=0.01)
    assert (x**4).mean() == pytest.approx(3, abs=0.1)


def test_files(tmp_path: Path) -> None:
    rows = np.arange(40.0).reshape(20, 2)
    np.save(tmp_path / "a.npy", rows)
    np.savez(tmp_path / "b.npz", x=rows)
    (tmp_path / "c.csv").write_text("first,second\n" + "\n".join(f"{a},{b}" for a, b in rows))
    (tmp_path / "d.csv").write_text("\n".join(f"{a},{b}" for a, b in rows))
    prints = {data.load(str(tmp_path / name), PLANE).fingerprint for name in ("a.npy", "b.npz", "c.csv", "d.csv")}
    assert len(prints) == 1
    assert prints == {data.load(rows, PLANE).fingerprint, data.load({"x": rows}, PLANE).fingerprint}


def test_a_loaded_data_set_is_itself_a_source() -> None:
    loaded = data.load("moons", PLANE)
    assert data.load(loaded, PLANE) is loaded


def test_several_fields_by_name(tmp_path: Path) -> None:
    fields = [*PLANE, Field("c", (), Support("Category", (3,)), storage="uint8", given=True)]
    loaded = data.load({"x": np.zeros((9, 2)), "c": np.arange(9) % 3}, fields)
    assert loaded.train.take(torch.tensor([0, 1])).tensors["c"].shape == (2,)
    assert "no array for `c`" in refused({"x": np.zeros((9, 2))}, fields, "G801")
    assert "number of rows" in refused({"x": np.zeros((9, 2)), "c": np.zeros(8)}, fields, "G801")


@pytest.mark.parametrize(
    ("source", "fields", "code", "words"),
    [
        ("", PLANE, "G806", "no data set is named"),
        ("nonsense", PLANE, "G806", "unknown data set `nonsense`"),
        ("missing.npz", PLANE, "G802", "does not exist"),
        (np.zeros((0, 2)), PLANE, "G801", "no rows"),
        (np.zeros((5, 3)), PLANE, "G801", "a row of `x` has 3 numbers, the spec says 2"),
        (np.array([["a", "b"]]), PLANE, "G801", "not a number"),
        (np.array([[0.0, np.nan]]), PLANE, "G801", "`x` is nan at row 0, column 1"),
        (np.full((3, 64), 2), BITS, "G801", "choose a binary data set"),
        (np.full((3, 64), 0.5), DIGITS, "G801", "store whole numbers"),
        (np.full((3, 64), 17), DIGITS, "G801", "the data runs from 17 to 17"),
        ("digits", BITS, "G801", "not Binary"),
    ],
)
def test_refusals_say_where_and_what_to_do(source: data.Source, fields: list[Field], code: str, words: str) -> None:
    text = refused(source, fields, code)
    assert words in text
    assert "help:" in text or "no rows" in text


def test_the_first_bad_row_is_named() -> None:
    rows = np.zeros((20_000, 2))
    rows[12_345, 1] = np.inf
    assert "row 12345, column 1" in refused(rows, PLANE, "G801")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2\n3\n", ":2: 1 columns"),
        ("1,2\n3,x\n", ":2: column 2: `x` is not a number"),
        ("a,b\n1,\n", ":2: column 2: an empty cell"),
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_bad_csv_lines_are_named(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(content)
    assert words in refused(str(file), PLANE, "G802")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, x=np.zeros((5, 2)))
    file.write_bytes(file.read_bytes()[:100])
    assert "cannot be read" in refused(str(file), PLANE, "G802")
    pickled = tmp_path / "p.npy"
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    assert "cannot be read" in refused(str(pickled), PLANE, "G802")
    assert "unknown kind" in refused(str(tmp_path / "x.xlsx"), PLANE, "G802")


def test_parquet_says_what_it_needs(tmp_path: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        (tmp_path / "x.parquet").write_bytes(b"")
        assert "pyarrow" in refused(str(tmp_path / "x.parquet"), PLANE, "G802")
        return
    parquet.write_table(pyarrow.table({"a": [1.0] * 9, "b": [2.0] * 9}), tmp_path / "x.parquet")
    assert data.load(str(tmp_path / "x.parquet"), PLANE).train.tensors["x"][0].tolist() == [1.0, 2.0]


def test_orders_are_permutations_keyed_by_seed_and_epoch() -> None:
    order = data.shuffled(1000, 3, 0, 7)
    assert sorted(order.tolist()) == list(range(1000))
    assert torch.equal(order, data.shuffled(1000, 3, 0, 7))
    assert not torch.equal(order, data.shuffled(1000, 3, 1, 7))
    assert not torch.equal(order, data.shuffled(1000, 4, 0, 7))


def test_parts_of_a_batch() -> None:
    rows = data.load(np.arange(40.0).reshape(20, 2), PLANE).train
    batch = rows.take(torch.arange(7))
    parts = batch.parts(3)
    assert [len(part) for part in parts] == [3, 3, 1]
    assert torch.equal(torch.cat([part.tensors["x"] for part in parts]), batch.tensors["x"])
    assert torch.equal(torch.cat([part.row for part in parts]), batch.row)


# -- labels ----------------------------------------------------------------------------------------------------------

LABEL = Field("y", (), Support("Category", (10,)), storage="uint8", given=True)


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize(("name", "field"), [("digits", DIGITS[0]), ("digits_binary", BITS[0])])
def test_digits_have_labels_for_who_asks(name: str, field: Field, order: int) -> None:
    fields = [field, LABEL][:: -1 if order else 1]
    loaded = data.load(name, fields)
    labels = np.load(Path(data.__file__).with_name("digits.npz"))["y"]
    for part in (loaded.train, loaded.valid, loaded.test):
        assert torch.equal(part.tensors["y"], torch.from_numpy(labels)[part.numbers])
    plain = data.load(name, [field])
    assert torch.equal(plain.train.tensors["x"], loaded.train.tensors["x"])
    assert plain.train.tensors.keys() == {"x"}


def test_a_variable_of_another_name_takes_the_only_column_that_fits() -> None:
    fields = [
        Field("image", (8, 8), Support("Integer", (0, 17)), storage="uint8"),
        Field("c", (), LABEL.support, given=True),
    ]
    loaded = data.load("digits", fields)
    whole = data.load("digits", [*DIGITS, LABEL])
    assert torch.equal(loaded.train.tensors["image"].reshape(-1, 64), whole.train.tensors["x"])
    assert torch.equal(loaded.train.tensors["c"].long(), whole.train.tensors["y"].long())


@pytest.mark.parametrize(
    "label",
    [
        Field("c", (), Support("Category", (7,)), given=True),  # a label 9 is not among 7
        Field("c", (10,), Support("Binary"), given=True),  # nothing is made one-hot
    ],
)
def test_labels_are_not_converted(label: Field) -> None:
    assert "no array for `c`" in refused("digits", [*DIGITS, label], "G801")


def test_two_columns_that_fit_are_not_guessed_between() -> None:
    arrays = {"a": np.zeros((9, 2)), "b": np.ones((9, 2))}
    assert "no array for `x`" in refused(arrays, PLANE, "G801")
    both = [PLANE[0], Field("z", (2,), Support("Real"))]
    assert "no array for `x`" in refused({"a": np.zeros((9, 2))}, both, "G801")


def test_mnist_has_labels_and_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    arrays = {f"x_{s}": generator.integers(0, 256, (n, 4, 4), dtype=np.uint8) for s, n in (("train", 60), ("test", 10))}
    labels = {f"y_{s}": generator.integers(0, 10, n) for s, n in (("train", 60), ("test", 10))}
    np.savez(tmp_path / "mnist.npz", **arrays, **labels)
    monkeypatch.setenv("GENC_DATA", str(tmp_path))
    grey = Field("x", (16,), Support("Integer", (0, 256)), storage="uint8")
    for name, field in (("mnist", grey), ("mnist_binary", Field("x", (16,), Support("Binary"), storage="uint8"))):
        loaded = data.load(name, [field, LABEL])
        assert torch.equal(loaded.valid.tensors["y"].long(), torch.from_numpy(labels["y_train"][-10:]))
        assert torch.equal(loaded.test.tensors["y"].long(), torch.from_numpy(labels["y_test"]))
    real = data.load("mnist_real", [Field("x", (16,), Support("Interval", (-1, 1)))])
    expected = 2 * torch.from_numpy(arrays["x_test"]).reshape(10, 16).float() / 255 - 1
    assert torch.equal(real.test.tensors["x"], expected)
    monkeypatch.delenv("GENC_DATA")
    assert "GENC_DATA" in refused("mnist", [grey], "G806")


@pytest.mark.parametrize(
    ("name", "support", "lowest", "jacobian"),
    [("digits_unit", Support("Interval", (0, 1)), 0.0, 16.0), ("digits_real", Support("Interval", (-1, 1)), -1.0, 8.0)],
)
def test_real_valued_digits(name: str, support: Support, lowest: float, jacobian: float) -> None:
    loaded = data.load(name, [Field("x", (64,), support)]).test
    levels = data.load("digits", DIGITS).test.tensors["x"].double()
    assert torch.equal((loaded.tensors["x"].double() - lowest) * jacobian, levels)
    assert loaded.tensors["x"].dtype == torch.float32
    assert "the data runs from" in refused(name, DIGITS, "G801") or "store whole numbers" in refused(
        name, DIGITS, "G801"
    )


def test_the_modes_of_the_grid() -> None:
    points = torch.from_numpy(toys.grid25(5000, seed=4))
    centres = torch.from_numpy(toys.GRID25_CENTRES)
    distance, closest = torch.cdist(points, centres).min(1)
    assert torch.bincount(closest, minlength=25).min() > 100
    offsets = points - centres[closest]
    assert float(offsets.std()) == pytest.approx(toys.GRID25_SCALE, rel=0.05)
    assert float(distance.max()) < 6 * toys.GRID25_SCALE


def test_whole_numbers_as_data_of_a_density_are_warned_of() -> None:
    generator = np.random.default_rng(0)
    grey = generator.integers(0, 17, (200, 2))
    for found in (grey, grey.astype(np.float64)):
        with pytest.warns(DiscreteData, match=r"G809.*17 whole numbers.*`Integer\(0\.\.17\)`"):
            data.load(found, PLANE)
    dequantized = grey + generator.random(grey.shape)
    own = np.arange(200.0)[:, None] * [1, 2]  # whole, and no number again
    for found in (dequantized, own, grey[:20], np.zeros((200, 2))):
        data.load(found, PLANE)  # a warning would be an error
    data.load({"x": grey}, [Field("x", (2,), Support("Integer", (0, 17)), storage="uint8")])
