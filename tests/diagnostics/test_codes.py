"""The registry of codes and the explain pages: complete, consistent, and compiled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gencompiler
from gencompiler.diagnostics import explain
from gencompiler.diagnostics.codes import CODES, RUN_FAILED, UNSUPPORTED, USER_ERROR, exit_status
from gencompiler.diagnostics.model import Diagnostic, Reporter, Severity
from gencompiler.diagnostics.span import BUILTIN
from gencompiler.syntax.format import format_source

PACKAGE = Path(gencompiler.__file__).parent
PAGES = sorted(CODES)


def test_codes_are_numbered_and_titled() -> None:
    for code, entry in CODES.items():
        assert re.fullmatch(r"G[0-9]{3}", code) and entry.code == code
        assert entry.title == entry.title.strip(".") and entry.title[0] in "`" + entry.title[0].lower()
    assert len({entry.title for entry in CODES.values()}) == len(CODES)


def test_exit_statuses_follow_the_ranges() -> None:
    for code, entry in CODES.items():
        expected = {"8": RUN_FAILED, "9": UNSUPPORTED}.get(code[1], USER_ERROR)
        assert entry.exit_status == expected, code


def test_every_code_in_the_sources_is_registered() -> None:
    used = {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r"\"(G[0-9]{3})\"", path.read_text(encoding="utf-8"))
    }
    assert used <= set(CODES), sorted(used - set(CODES))


def finding(code: str) -> Diagnostic:
    return Diagnostic(code, CODES[code].severity, "")


def test_exit_status_of_several_findings() -> None:
    assert exit_status([]) == 0
    assert exit_status([finding("G405")]) == 0, "a warning"
    assert exit_status([finding("G901")]) == UNSUPPORTED
    assert exit_status([finding("G901"), finding("G101")]) == USER_ERROR
    assert exit_status([finding("G405"), finding("G805")]) == RUN_FAILED


def test_a_reporter_drops_what_it_was_told_before() -> None:
    reporter = Reporter()
    for label in ("a", "a", "b"):
        reporter.add("G405", "twice", BUILTIN, label)
    assert [d.labels[0].text for d in reporter.diagnostics] == ["a", "b"]
    assert not reporter.has_errors and reporter.diagnostics[0].severity is Severity.WARNING
    reporter.add("G101", "an error", BUILTIN)
    assert reporter.has_errors


def test_there_is_a_page_for_every_code_and_no_other() -> None:
    assert {p.stem for p in (PACKAGE / "diagnostics/explain").glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", PAGES)
def test_page_says_what_and_why_and_shows_both_sides(code: str) -> None:
    text = explain.page(code)
    assert text.startswith(f"# {code}: {CODES[code].title}\n\n")
    assert "\n## Why\n" in text
    assert all(len(line) <= 120 for line in text.splitlines())
    examples = explain.examples(code)
    if code.startswith("G8"):
        assert "```" in text and not examples
    else:
        assert {example.fails for example in examples} == {True, False}


@pytest.mark.parametrize("code", [code for code in PAGES if not code.startswith("G8")])
def test_examples_do_what_the_page_says(code: str) -> None:
    for example in explain.examples(code):
        found = gencompiler.check(example.text)
        codes = {d.code for d in found.diagnostics}
        if example.planned:
            assert codes == {"G901"}, f"supported by now: take `planned` off the examples of {code}"
        elif example.fails:
            assert code in codes, codes
        else:
            assert found.ok and not codes, codes


@pytest.mark.parametrize("code", [code for code in PAGES if not code.startswith("G8")])
def test_examples_that_pass_are_in_the_house_style(code: str) -> None:
    for example in explain.examples(code):
        if not example.fails:
            assert format_source(example.text) == example.text


def test_a_code_that_does_not_exist() -> None:
    with pytest.raises(KeyError):
        explain.page("G999")
