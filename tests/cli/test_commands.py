"""Every command: what it prints, what it writes, and its exit status."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from gencompiler.commands import sources
from gencompiler.diagnostics.codes import CODES
from gencompiler.report.page import quantity
from tests.cli.conftest import FLOW, Genc


def test_version_and_help(genc: Genc) -> None:
    assert genc("--version").out.startswith("gencompiler ")
    shown = genc("--help")
    assert shown.status == 0
    for command in (
        "check",
        "build",
        "train",
        "sample",
        "eval",
        "test",
        "run",
        "fmt",
        "dump",
        "explain",
        "kernels",
        "doctor",
        "recheck",
        "new",
    ):
        assert f" {command} " in shown.out
        of_command = genc(command, "--help")
        assert of_command.status == 0
        assert "Usage: genc" in of_command.out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("chekc",),
        ("check",),
        ("check", "nowhere.gen"),
        ("check", "specs/flow.gen", "-D", "D"),
        ("check", "specs/flow.gen", "-D", "D=two"),
        ("check", "specs/flow.gen", "-D", "D=2", "-D", "D=3"),
        ("check", "specs/flow.gen", "--style", "json"),
        ("dump", "specs/flow.gen", "--stage", "nothing"),
        ("explain", "G000"),
        ("kernels", "specs/flow.gen", "--target", "z80"),
        ("eval", "specs/flow.gen", "--split", "all"),
        ("sample", "specs/flow.gen", "-n", "0"),
        ("train", "specs/flow.gen", "--epochs", "0"),
        ("train", "specs/flow.gen", "--seed", "-1"),
        ("fmt", "nowhere.gen"),
        ("recheck", "specs"),
        ("build", "specs/flow.gen", "other/flow.gen"),
        ("build", "two words.gen"),
    ],
)
def test_misuse_is_status_2_and_says_why(genc: Genc, specs: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "flow.gen").write_text(FLOW)
    (tmp_path / "two words.gen").write_text(FLOW)
    result = genc(*arguments)
    assert result.status == 2
    assert result.err or not arguments
    assert "Traceback" not in result.err


# -- check -----------------------------------------------------------------------------------------------------------


def test_check_prints_verdicts_and_capabilities(genc: Genc, specs: Path) -> None:
    result = genc("check", "specs/flow.gen")
    assert (result.status, result.err) == (0, "")
    assert "specs/flow.gen · Scaled" in result.out
    assert "✓ proved  invertible" in result.out
    assert "log_prob   exact, 1 pass" in result.out
    assert "\x1b" not in result.out


def test_check_of_a_folder_checks_every_spec(genc: Genc, specs: Path) -> None:
    result = genc("check", "specs")
    assert result.status == 0
    assert "Scaled" in result.out
    assert "Walk" in result.out


def test_check_reports_each_spec_and_the_users_errors_first(genc: Genc, specs: Path) -> None:
    assert genc("check", "unsupported.gen").status == 3
    assert genc("check", "broken.gen").status == 1
    result = genc("check", "unsupported.gen", "specs/flow.gen", "broken.gen")
    assert result.status == 1
    assert "G901" in result.err
    assert "broken.gen:2:" in result.err
    assert "Scaled" in result.out


def test_check_concise_is_one_line_for_each(genc: Genc, specs: Path) -> None:
    lines = genc("check", "broken.gen", "--style", "concise").err.splitlines()
    assert all(line.startswith("broken.gen:") for line in lines)
    assert lines


def test_check_json_is_for_programs(genc: Genc, specs: Path) -> None:
    result = genc("check", "specs", "broken.gen", "--json")
    assert result.status == 1
    flow, walk, broken = json.loads(result.out)
    assert (flow["spec"], flow["ok"], flow["model"]) == ("specs/flow.gen", True, "Scaled")
    assert {"status": "proved", "obligation": "invertible"}.items() <= flow["verdicts"][2].items()
    assert [row["name"] for row in flow["capabilities"]] == ["sample", "log_prob", "posterior", "score"]
    assert walk["ok"]
    assert not broken["ok"]
    assert broken["diagnostics"][0]["code"] in CODES


def test_sizes_reach_the_model(genc: Genc, specs: Path) -> None:
    shown = genc("dump", "specs/flow.gen", "-D", "D=7", "--json")
    assert json.loads(shown.out)["variables"][0]["type"]["shape"] == [7]
    assert genc("check", "specs/flow.gen", "-D", "WIDTH=7").status == 1


def test_unknown_is_an_error_or_a_warning(genc: Genc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # u + sin(u)/2 is increasing, which no rule of the kernel shows
    (tmp_path / "odd.gen").write_text(FLOW.replace("m + s * u", "u + 0.5 * sin(u)"))
    refused = genc("check", "odd.gen")
    assert refused.status == 1
    assert "error" in refused.err
    assert "unknown" not in refused.out


def test_a_spec_that_is_not_text_is_an_error(genc: Genc, tmp_path: Path) -> None:
    (tmp_path / "latin.gen").write_bytes("model Modèle {}".encode("latin-1"))
    result = genc("check", "latin.gen")
    assert result.status == 1
    assert "latin.gen:1:10" in result.err
    assert "UTF-8" in result.err


def test_windows_line_ends_are_line_ends(genc: Genc, tmp_path: Path) -> None:
    (tmp_path / "dos.gen").write_bytes(FLOW.replace("\n", "\r\n").encode())
    assert genc("check", "dos.gen").status == 0


def test_names_are_relative_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert sources.display_name(tmp_path / "a" / "b.gen") == "a/b.gen"
    assert sources.display_name(Path("a/../b.gen")) == "b.gen"
    assert sources.display_name(tmp_path.parent / "b.gen") == (tmp_path.parent / "b.gen").as_posix()


# -- explain ---------------------------------------------------------------------------------------------------------


def test_explain_has_something_for_every_code(genc: Genc) -> None:
    listed = genc("explain", "all").out
    for code, entry in CODES.items():
        assert f"{code}  {entry.severity.value}" in listed
        assert entry.title in genc("explain", code).out
    assert genc("explain", "[g402]").out == genc("explain", "G402").out
    assert json.loads(genc("explain", "G402", "--json").out)["code"] == "G402"


# -- build -----------------------------------------------------------------------------------------------------------


def test_build_writes_packages_and_check_compares(genc: Genc, specs: Path, tmp_path: Path) -> None:
    built = genc("build", "specs", "-o", "made")
    assert built.status == 0
    assert "wrote made/flow" in built.out
    assert {p.name for p in (tmp_path / "made").iterdir()} == {"flow", "walk"}
    assert genc("build", "--check", "specs", "-o", "made").status == 0
    model = tmp_path / "made" / "flow" / "model.py"
    model.write_text(model.read_text() + "\n")
    differing = genc("build", "--check", "specs", "-o", "made")
    assert differing.status == 4
    assert "model.py differs" in differing.err
    assert genc("build", "specs/flow.gen", "-o", "made").status == 0
    assert genc("build", "--check", "specs", "-o", "made").status == 0


def test_build_check_finds_what_no_spec_stands_behind(genc: Genc, specs: Path, tmp_path: Path) -> None:
    genc("build", "specs", "-o", "made")
    (specs / "walk.gen").unlink()
    result = genc("build", "--check", "specs", "-o", "made")
    assert result.status == 4
    assert "walk belongs to no spec" in result.err
    assert genc("build", "--check", "specs/flow.gen", "-o", "made").status == 0


def test_build_of_a_wrong_spec_writes_nothing(genc: Genc, specs: Path, tmp_path: Path) -> None:
    assert genc("build", "broken.gen", "-o", "made").status == 1
    assert genc("build", "unsupported.gen", "-o", "made").status == 3
    assert not (tmp_path / "made").exists()


def test_build_does_not_replace_what_it_did_not_make(genc: Genc, specs: Path, tmp_path: Path) -> None:
    (tmp_path / "made" / "flow").mkdir(parents=True)
    (tmp_path / "made" / "flow" / "thesis.tex").write_text("years of work")
    result = genc("build", "specs/flow.gen", "-o", "made")
    assert result.status == 5
    assert "G804" in result.err
    assert (tmp_path / "made" / "flow" / "thesis.tex").read_text() == "years of work"


# -- looking inside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["surface", "model", "derived", "checks", "rows", "schedule", "files"])
def test_dump_shows_every_stage(genc: Genc, specs: Path, stage: str) -> None:
    shown = genc("dump", "specs/flow.gen", "--stage", stage)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out.strip()
    assert json.loads(genc("dump", "specs/flow.gen", "--stage", stage, "--json").out)


def test_kernels_says_what_is_fused(genc: Genc, specs: Path) -> None:
    listed = json.loads(genc("kernels", "specs/flow.gen", "--json").out)["programs"]
    assert {row["program"] for row in listed} >= {"log_prob", "sample", "log_prob_backward"}
    assert all(row["why"] and row["cost"]["floor_ns"] > 0 for row in listed)
    backward = {row["program"] for row in listed if row["program"].startswith(("log_prob_saving", "log_prob_backward"))}
    assert {row["program"] for row in listed if row["cpu"] is None} == backward
    shown = genc("kernels", "specs/flow.gen")
    assert re.search(r"log_prob +one kernel +one row keeps", shown.out)
    assert re.search(r"log_prob +\d+×\d+×\d +~\d+ +~[\d,]+ B .* [µn]s\n", shown.out)
    assert max(map(len, shown.out.splitlines())) <= 100


def test_fmt(genc: Genc, specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messy = tmp_path / "messy.gen"
    messy.write_text("model   M{observed x:Real\np(x)=Normal( 0,1 )}")
    checked = genc("fmt", "--check", "messy.gen", "specs")
    assert (checked.status, checked.out) == (4, "would reformat messy.gen\n")
    assert "+  observed x : Real" in genc("fmt", "--diff", "messy.gen").out
    assert genc("fmt", "messy.gen").status == 0
    text = messy.read_text()
    assert text == "model M {\n  observed x : Real\n  p(x) = Normal(0, 1)\n}\n"
    assert genc("fmt", "--check", "messy.gen").status == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("model M{}"))
    assert genc("fmt", "-").out == "model M {}\n"


def test_fmt_leaves_what_does_not_parse(genc: Genc, tmp_path: Path) -> None:
    (tmp_path / "wrong.gen").write_text("model M { observed }")
    assert genc("fmt", "wrong.gen").status == 1
    assert (tmp_path / "wrong.gen").read_text() == "model M { observed }"


# -- trust -----------------------------------------------------------------------------------------------------------


def test_recheck_replays_and_notices_a_forged_proof(genc: Genc, specs: Path, tmp_path: Path) -> None:
    genc("build", "specs/flow.gen", "-o", "made")
    assert genc("recheck", "made/flow").status == 0
    assert genc("recheck", "made/flow", "--spec", "specs/flow.gen").status == 0
    other = genc("recheck", "made/flow", "--spec", "specs/flow.gen", "-D", "D=3")
    assert other.status == 4
    path = tmp_path / "made" / "flow" / "certificate.json"
    path.write_text(path.read_text().replace('"status": "proved"', '"status": "assumed"', 1))
    forged = genc("recheck", path, "--json")
    assert forged.status == 4
    assert json.loads(forged.out)["failures"]


def test_doctor(genc: Genc, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    result = genc("doctor", "--json")
    found = {f["subject"]: f for f in json.loads(result.out)["findings"]}
    assert result.status == 0
    assert found["torch"]["status"] == "ok"
    assert "agrees with its closed form" in found["compile and run"]["detail"]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GENC_CACHE", str(tmp_path / "file"))
    ill = genc("doctor", "--quick")
    assert ill.status == 4
    assert "✗ failed" in ill.out


# -- runs ------------------------------------------------------------------------------------------------------------


def test_run_makes_a_report(genc: Genc, specs: Path, rows: Path, tmp_path: Path) -> None:
    result = genc("run", "specs/flow.gen", "--data", rows, "--epochs", "3", "--seed", "1")
    assert (result.status, result.err) == (0, "")
    assert "wrote runs/flow/report.html" in result.out
    page = (tmp_path / "runs" / "flow" / "report.html").read_text(encoding="utf-8")
    for part in (
        "A scaled normal: nobody, 2026.",
        "Each contour encloses",
        "log p, test",
        "test rows of rows.npz",
        "--epochs 3",
    ):
        assert part in page
    results = json.loads((tmp_path / "runs" / "flow" / "evaluation.json").read_text())
    assert np.isfinite(results["measurements"][0]["value"])


def test_run_of_a_chain_reports_its_worth(genc: Genc, specs: Path, tmp_path: Path) -> None:
    assert genc("run", "specs/walk.gen", "-o", "walked").status == 0
    results = json.loads((tmp_path / "walked" / "evaluation.json").read_text())
    found = {m["name"]: m for m in results["measurements"]}
    mean = found["mean of x[0]"]
    assert abs(mean["value"]) < 5 * mean["standard_error"]
    assert "by quadrature" in mean["words"]
    assert "standard deviation 1.00000" in mean["words"]
    assert 0 < found["acceptance"]["value"] < 1


def test_train_resume_sample_and_evaluate(genc: Genc, specs: Path, rows: Path, tmp_path: Path) -> None:
    assert genc("train", "specs/flow.gen", "--data", rows, "-o", "mine").status == 0
    again = genc("train", "specs/flow.gen", "--data", rows, "-o", "mine")
    assert again.status == 5
    assert "--resume" in again.err
    assert genc("train", "specs/flow.gen", "--data", rows, "-o", "mine", "--resume", "--epochs", "4").status == 0
    assert genc("sample", "specs/flow.gen", "-o", "mine", "-n", "5", "--save", "five.npy").status == 0
    few = np.load(tmp_path / "five.npy")
    assert few.shape == (5, 2)
    assert genc("sample", "specs/flow.gen", "-o", "mine", "-n", "300", "--save", "many.npy").status == 0
    np.testing.assert_array_equal(np.load(tmp_path / "many.npy")[:5], few)
    evaluated = genc("eval", "specs/flow.gen", "-o", "mine", "--data", rows)
    assert evaluated.status == 0
    assert "log p, test" in evaluated.out
    (number,) = json.loads(genc("eval", "specs/flow.gen", "-o", "mine", "--data", rows, "--json").out)
    assert quantity(number["value"], number["standard_error"]) in evaluated.out
    assert "6 test rows of rows.npz" in number["words"]


def test_new_runs_get_folders_of_their_own(genc: Genc, specs: Path, rows: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert genc("train", "specs/flow.gen", "--data", rows, "--epochs", "1").status == 0
    assert {p.name for p in (tmp_path / "runs").iterdir()} == {"flow", "flow-2"}
    assert "runs/flow-2/" in genc("sample", "specs/flow.gen", "-n", "1").out


def test_weights_of_another_model_are_refused(genc: Genc, specs: Path, rows: Path) -> None:
    assert genc("train", "specs/flow.gen", "--data", rows, "-o", "mine").status == 0
    (specs / "flow.gen").write_text(FLOW.replace("m + s * u", "m - s * u"))
    result = genc("sample", "specs/flow.gen", "-o", "mine")
    assert result.status == 5
    assert "G803" in result.err
    (specs / "flow.gen").write_text(FLOW.replace("# nothing", "") + "# a comment changes nothing\n")
    assert genc("sample", "specs/flow.gen", "-o", "mine").status == 0


def test_runs_that_cannot_be(genc: Genc, specs: Path, tmp_path: Path) -> None:
    untrained = genc("sample", "specs/flow.gen", "-o", "none")
    assert untrained.status == 5
    assert "train first" in untrained.err
    nothing = genc("train", "specs/walk.gen")
    assert nothing.status == 1
    assert "G703" in nothing.err
    unknown = genc("train", "specs/flow.gen", "--data", "moonz")
    assert unknown.status == 5
    assert "G806" in unknown.err
    np.savez(tmp_path / "bad.npz", x=np.full((30, 2), np.nan))
    bad = genc("run", "specs/flow.gen", "--data", "bad.npz")
    assert bad.status == 5
    assert "row 0" in bad.err
    assert not (tmp_path / "runs" / "flow" / "report.html").exists()


def test_a_chain_is_sampled_without_training(genc: Genc, specs: Path, tmp_path: Path) -> None:
    assert genc("sample", "specs/walk.gen", "-n", "3", "-o", "walked").status == 0
    assert np.load(tmp_path / "walked" / "samples.npy").shape == (3, 1)


@pytest.mark.slow
def test_test_runs_the_packages_own_tests(genc: Genc, specs: Path) -> None:
    assert genc("test", "specs/flow.gen").status == 0


def test_every_evaluation_that_a_spec_asks_for_is_there(genc: Genc, tmp_path: Path, rows: Path) -> None:
    """A likelihood does not hide the comparison of samples, and `run` shows what it measured."""
    spec = tmp_path / "flow.gen"
    asked = FLOW.replace("  train", "  evaluate exact\n  evaluate energy_distance\n  train")
    spec.write_text(asked, encoding="utf-8")
    done = genc("run", spec, "--data", rows, "--epochs", "1", "-o", "run")
    assert done.status == 0, done.err
    for name in ("log p, test", "energy distance, test"):
        assert name in done.out
        assert name in genc("eval", spec, "--data", rows, "-o", "run").out
