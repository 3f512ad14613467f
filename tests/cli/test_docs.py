"""What the documentation says is true: its examples compile, its links lead somewhere, its lists are complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import gencompiler
from gencompiler import api
from gencompiler.catalog import distributions, functions, networks, supports, words
from gencompiler.diagnostics.codes import CODES
from tests.cli.conftest import Genc
from tests.derive import test_catalogue

ROOT = Path(gencompiler.__file__).parents[1]
DOCS = ROOT / "gencompiler" / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
MECHANISMS = sorted((DOCS / "mechanisms").glob("*.md"))
LANGUAGE = (ROOT / "gencompiler" / "docs" / "language.md").read_text(encoding="utf-8")

#: A fenced block: its words (`gen`, `gen exit=3`) and its text.
_FENCED = re.compile(r"^```(\w+)(?: exit=(\d))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, int, str]]:
    """(where, exit status, spec) of every complete spec in the documentation."""
    found = []
    for page in PAGES:
        for match in _FENCED.finditer(page.read_text(encoding="utf-8")):
            if match[1] == "gen":
                found.append((f"{page.name}: {match[3].splitlines()[0]}", int(match[2] or 0), match[3]))
    return found


@pytest.mark.parametrize(("status", "text"), [e[1:] for e in examples()], ids=[e[0] for e in examples()])
def test_examples_are_what_they_are_said_to_be(status: int, text: str) -> None:
    result = api.check(text)
    assert result.exit_status == status, result.render()


def complete() -> list[tuple[str, str]]:
    """(where, spec) of the models on the pages of mechanisms that are said to be right."""
    pages = [page.name for page in MECHANISMS]
    return [(where, spec) for where, status, spec in examples() if where.split(":")[0] in pages and status == 0]


@pytest.mark.slow
@pytest.mark.parametrize("spec", [spec for _, spec in complete()], ids=[where for where, _ in complete()])
def test_models_of_the_mechanisms_become_packages_that_can_be_trained(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path))
    model = api.compile(spec)()
    rows = {f.name: f.support.member(f.shape).expand(64, *f.shape).clone() for f in model.fields}
    for phase in model.phases:
        loss = model.loss(rows, phase=phase.label)
        loss.backward()
        assert bool(loss.isfinite())
    assert hasattr(model, "sample") or hasattr(model, "ais")


def mentioned(page: Path) -> set[str]:
    """The methods of `model` that a page's table of questions speaks of."""
    return set(re.findall(r"`model\.(\w+)\(", page.read_text(encoding="utf-8")))


@pytest.mark.slow
@pytest.mark.parametrize("page", MECHANISMS, ids=lambda page: page.stem)
def test_what_may_be_asked_is_there_to_be_asked(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path))
    specs = [spec for where, spec in complete() if where.startswith(page.name)]
    known = {name for spec in specs for name in dir(api.compile(spec))}
    assert mentioned(page) - known == set()


@pytest.mark.parametrize("page", MECHANISMS, ids=lambda page: page.stem)
def test_a_page_of_a_mechanism_has_a_spec_its_questions_and_its_pitfalls(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    statuses = {status for where, status, _ in examples() if where.startswith(page.name)}
    assert statuses >= {0, 1}
    assert "## What is " in text
    assert "## Pitfalls" in text
    codes = set(re.findall(r"^\| (G\d{3}(?:, G\d{3})*) \|", text, re.MULTILINE))
    assert codes, "pitfalls have codes"
    assert {code for each in codes for code in each.split(", ")} <= CODES.keys()
    link = f"mechanisms/{page.name}"
    assert f"({link}" in LANGUAGE, f"language.md does not link to {link}"


def test_objectives_that_pages_name_are_in_the_prelude() -> None:
    folder = ROOT / "gencompiler" / "prelude"
    known = {name for file in folder.glob("*.gen") for name in re.findall(r"^objective (\w+)", file.read_text(), re.M)}
    for page in MECHANISMS:
        _, _, rest = page.read_text(encoding="utf-8").partition("## Which objective\n")
        table = re.split(r"\n(?:## |```)", rest)[0]
        named = re.findall(r"`(\w+)(?:\([^`]*\))?`(?:,| \|)", table)
        assert [name for name in named if name.islower() and name not in known] == [], page.name


@pytest.mark.slow
def test_the_notebook_page_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```$", (DOCS / "notebooks.md").read_text(), re.MULTILINE | re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)
    assert scope["result"].ok
    assert list(scope["figures"]) == ["scatter", "carried"]
    assert (tmp_path / "flow.png").stat().st_size > 1000


def rows_of_extending() -> list[Any]:
    """The catalogue rows that the page on extending shows, as the objects they make."""
    text = (ROOT / "gencompiler" / "docs" / "extending.md").read_text(encoding="utf-8")
    scope = {"_unary": functions._unary, "Family": distributions.Family, "Form": distributions.Form}
    shown = [match[3] for match in _FENCED.finditer(text) if match[1] == "python"]
    return [eval(code, scope) for code in shown if not code.startswith("def ")]


def test_the_function_that_is_shown_satisfies_the_catalogues_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = rows_of_extending()[0]
    assert shown.name not in functions.FUNCTIONS
    monkeypatch.setitem(functions.FUNCTIONS, shown.name, shown)
    test_catalogue.test_the_derivative_of_a_unary_function_is_its_slope(shown)
    test_catalogue.test_the_inverse_undoes_the_function(shown)
    test_catalogue.test_log_abs_derivative_is_the_log_of_the_slope(shown)
    test_catalogue.test_a_function_called_monotone_is_monotone(shown)


def test_the_distribution_that_is_shown_satisfies_the_catalogues_tests() -> None:
    shown = rows_of_extending()[1]
    assert shown.name not in distributions.DISTRIBUTIONS
    test_catalogue.test_a_density_has_mass_one(shown, shown.forms[0])
    test_catalogue.test_a_sampler_follows_its_density(shown, shown.forms[0])


def test_there_are_examples() -> None:
    assert {0, 1} <= {status for _, status, _ in examples()}
    assert len(examples()) >= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        other = page if not path else (page.parent / path).resolve()
        assert other.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(other.read_text(encoding="utf-8")), f"{page.name} links to {target}"


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "names",
    [
        list(supports.SUPPORTS.keys() - {"Boolean"}),
        list(distributions.DISTRIBUTIONS),
        list(distributions.PLANNED),
        [f.name for f in functions.FUNCTIONS.values() if f.operator is None],
        list(networks.NETWORKS),
        list(networks.PLANNED),
        list(networks.ACTIVATIONS),
        [*words.OPTIONS, *words.OPTIMIZERS, *words.SCHEDULES],
        [*words.SAMPLERS, *words.EVALUATORS, *words.ANNEALED],
        list(words.PREDICATES),
        [*words.STRUCTURE, *words.KERNELS, *words.STAGES],
    ],
    ids=[
        "supports",
        "distributions",
        "planned distributions",
        "functions",
        "networks",
        "planned networks",
        "activations",
        "options",
        "methods",
        "predicates",
        "words",
    ],
)
def test_the_reference_mentions_everything_in_the_catalogue(names: list[str]) -> None:
    missing = [name for name in names if not re.search(rf"\b{re.escape(name)}\b", LANGUAGE)]
    assert missing == []


README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(word: str) -> list[str]:
    return [match[3] for match in _FENCED.finditer(README) if match[1] == word]


def test_the_readme_shows_what_check_prints(genc: Genc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = blocks("text")[0].strip("\n").splitlines()
    assert genc("check", "specs/autoregressive/nade.gen").out.splitlines()[2 : 2 + len(shown)] == shown


def test_the_readme_shows_the_spec_and_the_code_that_comes_of_it() -> None:
    (spec,) = blocks("gen")
    assert spec == (ROOT / "specs" / "autoregressive" / "nade.gen").read_text(encoding="utf-8")
    code = blocks("python")[0]
    assert code in (ROOT / "generated" / "nade" / "model.py").read_text(encoding="utf-8")


def test_the_readme_shows_the_message(genc: Genc, tmp_path: Path) -> None:
    text = LANGUAGE.split("The same map with a scale that may be zero is refused:")[1].split("```")[1]
    (tmp_path / "wrong.gen").write_text(text.removeprefix("gen exit=1\n"), encoding="utf-8")
    assert genc("check", "wrong.gen").err.startswith(blocks("text")[1])


@pytest.mark.slow
def test_the_readmes_python_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENC_CACHE", str(tmp_path))
    monkeypatch.chdir(ROOT)
    scope: dict[str, Any] = {}
    exec(blocks("python")[1].replace("epochs=20", "epochs=1"), scope)
    assert tuple(scope["x"].shape) == (16, 64)
    assert bool(scope["model"].log_prob(scope["x"]).isfinite().all())


def test_every_command_is_in_the_readme() -> None:
    from gencompiler.cli import app

    for command in app.registered_commands:
        assert f"`genc {command.name}" in README or f"`{command.name}`" in README, command.name
