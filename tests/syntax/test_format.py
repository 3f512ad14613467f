"""The house style: what is normalised, what is kept, where long lines break."""

from __future__ import annotations

from pathlib import Path

import pytest

from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax.format import WIDTH, format_source
from gencompiler.syntax.parse import parse


def formatted(text: str) -> str:
    """The formatted text, after the checks that hold for every text."""
    result = format_source(text)
    assert parse(SourceText("a", result)) == parse(SourceText("b", text))
    assert format_source(result) == result
    return result


def statement(text: str) -> str:
    """One formatted statement."""
    result = formatted(f"model M {{\n{text}\n}}\n")
    return "\n".join(line[2:] for line in result.splitlines()[1:-1])


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("x=a+b*c^ 2", "x = a + b * c^2"),
        ("x = - a + (- b)", "x = -a + (-b)"),
        ("x = a - - b", "x = a - -b"),
        ("x = f ( a,b|c=2 )", "x = f(a, b | c = 2)"),
        ("x = f(|c=2)", "x = f(| c = 2)"),
        ("x = y [ < i , : , 0 .. 3 , >= t - 1 , .. n , k in K ]", "x = y[<i, :, 0..3, >=t - 1, ..n, k in K]"),
        ("x = a<b and b<=-c", "x = a < b and b <= -c"),
        ("p(x|z)=Normal(0,1)", "p(x | z) = Normal(0, 1)"),
        ("x = E  [ y~p ] ( a )", "x = E[y ~ p] (a)"),
        ("x = E[y ~ p] - a", "x = E[y ~ p] -a"),
        ("x = log ( a ) - log p ( a )", "x = log(a) - log p(a)"),
        ("x = for i , j in 0 .. i : a [ i ]", "x = for i, j in 0..i: a[i]"),
        ("x = if a then-b else(c)", "x = if a then -b else (c)"),
        ("x = z|>repeat( 8 ){ f|>g }", "x = z |> repeat(8) { f |> g }"),
        ("x = y where {a=1 b=2}", "x = y where { a = 1   b = 2 }"),
        ("train elbo with {a=1 b=2,c=3}", "train elbo with { a = 1  b = 2, c = 3 }"),
        ("observed x:Real[ D ] , y : Integer( 0 .. 4 )[3]", "observed x : Real[D], y : Integer(0..4)[3]"),
        ("def f(g:Real->Real|h=1)->(Real,Real)=(g,h)", "def f(g : Real -> Real | h = 1) -> (Real, Real) = (g, h)"),
        ("sde s(x|t:Unit){dx=-x*dt+sqrt(2)o dW}", "sde s(x | t : Unit) { dx = -x * dt + sqrt(2) o dW }"),
        ('assume f   because   "a  b"', 'assume f because "a  b"'),
        ("x' [i]~p( y' )", "x'[i] ~ p(y')"),
        ("x = [ [ 1,2 ],[ ] ] [ a ]", "x = [[1, 2], []][a]"),
        ("y [t] = a if t>0", "y[t] = a if t > 0"),
        ("x = a   # why", "x = a  # why"),
    ],
)
def test_spacing(text: str, style: str) -> None:
    assert statement(text) == style


def test_every_statement_gets_a_line() -> None:
    assert formatted("model M(D=2){observed x:Real[D] p(x)=Normal(0,1) train elbo}model N{}") == (
        "model M(D = 2) {\n  observed x : Real[D]\n  p(x) = Normal(0, 1)\n  train elbo\n}\nmodel N {}\n"
    )


def test_phases() -> None:
    assert formatted("objective o{update p maximize f}") == "objective o { update p maximize f }\n"
    assert formatted("objective o{a:update p maximize f b:repeat(3){update q minimize g}}") == (
        "objective o {\n  a: update p maximize f\n  b: repeat(3) { update q minimize g }\n}\n"
    )


def test_blocks_that_were_broken_get_lines_of_their_own() -> None:
    assert statement("x = y where { a = 1\n b = 2   c = 3 }") == "x = y where {\n  a = 1\n  b = 2   c = 3\n}"


def test_brackets_and_commas_do_not_begin_lines() -> None:
    assert statement("x = f(a\n , b\n )\n where\n {\n c = 1 }") == "x = f(a, b)\n  where {\n    c = 1\n  }"


def test_blank_lines_group_statements() -> None:
    text = "\n\n\nmodel M {\n\n\n  x = 1\n\n\n\n  y = 2\n  z = f(a,\n\n    b)\n\n}\n\n\n\ndef f(x) = x\n\n\n"
    assert formatted(text) == "model M {\n  x = 1\n\n  y = 2\n  z = f(a,\n    b)\n}\n\ndef f(x) = x\n"


def test_comments_stay_where_they_are() -> None:
    text = (
        "# first\n\nmodel M {# at the brace\n# inside\n  x = 1# trailing\n\n      # before y\n  y = f(a, # why a\n b)\n"
        "  z = 3\n     # last\n}\n# end"
    )
    assert formatted(text) == (
        "# first\n\nmodel M {  # at the brace\n  # inside\n  x = 1  # trailing\n\n  # before y\n  y = f(a,  # why a\n"
        "    b)\n  z = 3\n  # last\n}\n# end\n"
    )


def test_docstrings_stay_above_what_they_document() -> None:
    text = '"""A\n   b."""   \n\n\nmodel M { """C.""" def f(x) = x }'
    assert formatted(text) == '"""A\n   b."""\nmodel M {\n  """C."""\n  def f(x) = x\n}\n'


def test_windows_line_ends_are_normalised() -> None:
    text = '"""A\nb."""\nmodel M {\n  x = 1  # c\n}\n'
    assert formatted(text.replace("\n", "\r\n")) == text


def test_alignment_is_kept_where_it_was_meant() -> None:
    aligned = "model M {\n  p(z)     = Normal(0, 1)\n  p(x | z) = Normal(z, 1)\n}\n"
    assert formatted(aligned) == aligned
    assert formatted(aligned.replace("p(z)     =", "p(z)           =").replace("| z) =", "| z)       =")) == aligned
    ragged = aligned.replace("p(z)     =", "p(z)       =")
    assert formatted(ragged) == aligned.replace("p(z)     =", "p(z) =")
    roles = "model M {\n  observed x : Real\n  latent   z : Real\n}\n"
    assert formatted(roles) == roles


def test_long_lines_break_where_the_fewest_brackets_are_open() -> None:
    names = ", ".join(f"argument_{i} = value_{i}" for i in range(7))
    result = statement(f"p(x) = Normal({names}) where {{ value_0 = 1   value_1 = 2 }}").splitlines()
    assert result[0] == "p(x) ="
    assert result[1].startswith("  Normal(argument_0") and result[1].endswith(",")
    assert result[-1] == "  where { value_0 = 1   value_1 = 2 }"
    assert all(len(line) <= WIDTH - 2 for line in result)


def test_a_long_block_gets_one_line_for_each_equation() -> None:
    equations = "   ".join(f"name_{i} = some_function(argument_{i})" for i in range(5))
    assert statement(f"x = y where {{ {equations} }}").splitlines()[1:3] == [
        "  where {",
        "    name_0 = some_function(argument_0)",
    ]


def test_a_long_name_has_no_place_to_break() -> None:
    assert statement(f"{'x' * 150} = {'y' * 150}") == f"{'x' * 150} =\n  {'y' * 150}"


def test_an_empty_text() -> None:
    assert format_source("") == "" and format_source("  \n\n") == ""
    assert formatted("# only a comment") == "# only a comment\n"


def test_what_does_not_parse_is_not_formatted() -> None:
    with pytest.raises(CompileError):
        format_source("model M { x = }")


ROOT = Path(__file__).parents[2]


def test_what_is_shipped_is_in_the_house_style() -> None:
    """Where this fails: `genc fmt specs gencompiler/prelude`."""
    files = [*(ROOT / "specs").rglob("*.gen"), *(ROOT / "gencompiler" / "prelude").glob("*.gen")]
    assert len(files) > 60
    sources = {f.name: f.read_text(encoding="utf-8") for f in files}
    assert [name for name, source in sources.items() if formatted(source) != source] == []
