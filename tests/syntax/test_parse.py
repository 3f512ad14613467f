"""What the parser makes of expressions, statements and declarations."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import BUILTIN, SourceText
from gencompiler.node import walk
from gencompiler.syntax import tree as t
from gencompiler.syntax.parse import parse, parse_expression


def show(expr: t.Expr | None) -> str:
    """An expression with every operation in parentheses."""
    match expr:
        case t.Name(id):
            return id
        case t.Number():
            return expr.text
        case t.Unary(operator, operand):
            return f"({operator} {show(operand)})"
        case t.Binary(operator, left, right):
            return f"({show(left)} {operator} {show(right)})"
        case t.Log(operand):
            return f"(log {show(operand)})"
        case t.Call(function, arguments, conditions):
            bar = "" if conditions is None else f" | {', '.join(map(argument, conditions))}"
            return f"{show(function)}({', '.join(map(argument, arguments))}{bar})"
        case t.Index(base, subscripts):
            return f"{show(base)}[{', '.join(map(subscript, subscripts))}]"
        case t.Range(lower, upper):
            return f"{show(lower)}..{show(upper)}"
        case t.TupleExpr(items):
            return f"<{', '.join(map(show, items))}>"
        case t.Array(items):
            return f"[{', '.join(map(show, items))}]"
        case t.Choose(condition, then, otherwise):
            return f"(if {show(condition)} then {show(then)} else {show(otherwise)})"
        case t.Each(bindings, body):
            return f"(for {', '.join(map(binding, bindings))}: {show(body)})"
        case t.Expect(draws, body):
            return f"(E[{', '.join(map(equation, draws))}] {show(body)})"
        case t.Wrap(head, body):
            return f"{show(head)}{{{show(body)}}}"
        case t.Where(body, block):
            return f"({show(body)} where {'; '.join(map(equation, block.items))})"
        case None:
            return ""
    raise AssertionError(expr)


def argument(a: t.Argument) -> str:
    if a.binding is not None:
        return binding(a.binding)
    return show(a.value) if a.name is None else f"{a.name.id}={show(a.value)}"


def binding(b: t.Binding) -> str:
    return b.name.id if b.range is None else f"{b.name.id} in {show(b.range)}"


def subscript(s: t.Subscript) -> str:
    match s:
        case t.At(value):
            return show(value)
        case t.All():
            return ":"
        case t.Relative(operator, bound):
            return operator + show(bound)
        case t.Over(over):
            return binding(over)
    raise AssertionError(s)


def equation(e: t.Equation) -> str:
    guard = "" if e.guard is None else f" if {show(e.guard)}"
    return f"{', '.join(map(show, e.targets))} {e.relation} {show(e.value)}{guard}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a + b * c", "(a + (b * c))"),
        ("a - b - c", "((a - b) - c)"),
        ("a / b * c", "((a / b) * c)"),
        ("-x^2", "(- (x ^ 2))"),
        ("2^-x", "(2 ^ (- x))"),
        ("a^b^c", "(a ^ (b ^ c))"),
        ("(a^b)^c", "((a ^ b) ^ c)"),
        ("log p(x) - log q(x)", "((log p(x)) - (log q(x)))"),
        ("log(x)^2", "((log x) ^ 2)"),
        ("2 * log x + 1", "((2 * (log x)) + 1)"),
        ("x + 1 |> f |> g(a)", "(((x + 1) |> f) |> g(a))"),
        ("a |> f == b |> g", "((a |> f) == (b |> g))"),
        ("a and not b or c == d", "((a and (not b)) or (c == d))"),
        ("a - E[x ~ p] f(x)", "(a - (E[x ~ p] f(x)))"),
        ("E[x ~ p] a + b", "(E[x ~ p] (a + b))"),
        ("(E[x ~ p] a) + b", "((E[x ~ p] a) + b)"),
        ("E[x, z ~ p, y[0] = x] f(x)", "(E[x, z ~ p, y[0] = x] f(x))"),
        ("for i, j in 0..i: W[i, j]", "(for i, j in 0..i: W[i, j])"),
        ("if a then b else if c then d else e", "(if a then b else (if c then d else e))"),
        ("f(for k in 0..K: a[k], b, l in L)", "f((for k in 0..K: a[k]), b, l in L)"),
        ("f(x | a = 2, b)", "f(x | a=2, b)"),
        ("f(| a = 2)", "f( | a=2)"),
        ("(T^k)(x' | x)", "(T ^ k)(x' | x)"),
        ("grad(log path)(x | t)", "grad((log path))(x | t)"),
        ("x[<i, :, 1.., ..2, 3..4, k in K, !=(i, j), i]", "x[<i, :, 1.., ..2, 3..4, k in K, !=<i, j>, i]"),
        ("x[<=i + 1]", "x[<=(i + 1)]"),
        ("[[1, 2], []][a, b]", "[[1, 2], []][a, b]"),
        ("z |> repeat(l in L) { f |> g }", "(z |> repeat(l in L){(f |> g)})"),
        ("a + b where { a = 1  b, c ~ q }", "((a + b) where a = 1; b, c ~ q)"),
        ("f(over = 0..3, 1..n)", "f(over=0..3, 1..n)"),
        ("a o dW + b ∘ dV", "((a o dW) + (b o dV))"),
        ("0 == E[x ~ p] x", "(0 == (E[x ~ p] x))"),
        ("b |> f or for i: a[i]", "((b |> f) or (for i: a[i]))"),
        ("log E[x ~ p] f(x)", "(log (E[x ~ p] f(x)))"),
        ("o + o", "(o + o)"),
        ("index + inner", "(index + inner)"),
        ("propto1 * models", "(propto1 * models)"),
        ("E(x) + Ex", "(E(x) + Ex)"),
    ],
)
def test_precedence(text: str, shown: str) -> None:
    assert show(parse_expression(text)) == shown


@pytest.mark.parametrize(
    ("unicode", "ascii"),
    [
        ("a − b", "a - b"),
        ("a · b", "a * b"),
        ("a ≤ b", "a <= b"),
        ("a ≥ b", "a >= b"),
        ("a ≠ b", "a != b"),
        ("𝔼[x ∼ p] x", "E[x ~ p] x"),
        ("for i ∈ 0..n: i", "for i in 0..n: i"),
        ("a ∘ dW", "a o dW"),
        ("∇(U)(x)", "grad(U)(x)"),
    ],
)
def test_symbols_are_their_ascii_spellings(unicode: str, ascii: str) -> None:
    assert parse_expression(unicode) == parse_expression(ascii)


def test_symbols_in_statements() -> None:
    a = parse(SourceText("a", "def f(x : Real → Real) → Real = x model M { p(x) ∝ x  y ∼ x }"))
    b = parse(SourceText("b", "def f(x : Real -> Real) -> Real = x model M { p(x) propto x  y ~ x }"))
    assert a == b
    assert isinstance(model := a.declarations[1], t.Model) and isinstance(s := model.statements[0], t.EquationStatement)
    assert s.equation.relation == "∝"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("12", Fraction(12)),
        ("1.50E2", Fraction(150)),
        ("0.30000000000000000001", Fraction(30000000000000000001, 10**20)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    number = parse_expression(text)
    assert isinstance(number, t.Number) and number.value == value and number.text == text


def test_ranges_do_not_swallow_dots() -> None:
    assert show(parse_expression("f(0..5, 1.5..2)")) == "f(0..5, 1.5..2)"


def declarations(text: str) -> tuple[t.Declaration, ...]:
    return parse(SourceText("test.gen", text)).declarations


def test_definitions() -> None:
    f, g, s, h = declarations(
        "bijection F(u : Real[D] | a : Positive = 1, b) -> (Real[D], Real) requires a > b = u\n"
        "density g(x : Integer(0..4) | m) ∝ x\n"
        "sde s(x | t : Interval(0, 1)) requires a > 0 { dx = a * dt  dy = b * dW2 }\n"
        "transition h = f |> g\n"
    )
    assert isinstance(f, t.Definition) and (f.kind, f.relation, f.name.id) == ("bijection", "=", "F")
    assert f.signature is not None and f.signature.conditions is not None
    assert [p.name.id for p in f.signature.conditions] == ["a", "b"]
    assert f.signature.conditions[1].type is None and show(f.signature.conditions[0].default) == "1"
    assert isinstance(f.result, t.TupleType) and show(f.requires) == "(a > b)"
    assert isinstance(g, t.Definition) and (g.kind, g.relation) == ("density", "∝")
    assert isinstance(s, t.Definition) and isinstance(s.body, t.Block) and s.relation is None
    assert [equation(e) for e in s.body.items] == ["dx = (a * dt)", "dy = (b * dW2)"] and show(s.requires) == "(a > 0)"
    assert isinstance(h, t.Definition) and h.signature is None and show(h.body) == "(f |> g)"  # type: ignore[arg-type]


def test_extern() -> None:
    (net,) = declarations("extern def net(x : Real[D], t : Interval(0, 1)) -> Real[D]")
    assert isinstance(net, t.Definition) and net.extern and net.body is None and net.kind == "def"
    assert isinstance(net.result, t.SupportType) and net.result.name.id == "Real"


def test_function_types_and_parenthesised_types() -> None:
    (f,) = declarations("def f(g : Real[D] -> Real -> Real, h : (Real -> Real) -> Real) -> Real = g")
    assert isinstance(f, t.Definition) and f.signature is not None
    g, h = (p.type for p in f.signature.variables)
    assert isinstance(g, t.FunctionType) and isinstance(g.codomain, t.FunctionType)
    assert isinstance(h, t.FunctionType) and isinstance(h.domain, t.FunctionType)


def test_statements() -> None:
    (model,) = declarations(
        "model M(D = 4, T : Count) {\n"
        "  param a, b : Real[D] = 0, c : Positive\n"
        "  h[t] = tanh(h[t - 1]) where { k = 1 } if t > 0\n"
        "  train elbo with { epochs = 5, batch = 3 }\n"
        '  assume ergodic(T) because "trust me"\n'
        "  q = inverse(p)\n"
        "}"
    )
    assert isinstance(model, t.Model) and model.signature is not None
    assert [p.name.id for p in model.signature.variables] == ["D", "T"]
    variables, link, train, assume, inverse = model.statements
    assert isinstance(variables, t.Variables)
    assert [[n.id for n in g.names] for g in variables.groups] == [["a", "b"], ["c"]]
    assert isinstance(link, t.EquationStatement)
    assert equation(link.equation) == "h[t] = (tanh(h[(t - 1)]) where k = 1) if (t > 0)"
    assert isinstance(train, t.Request) and train.verb == "train" and train.options is not None
    assert [equation(e) for e in train.options.items] == ["epochs = 5", "batch = 3"]
    assert isinstance(assume, t.Assume) and assume.reason == "trust me"
    assert isinstance(inverse, t.EquationStatement)


def test_objectives() -> None:
    (objective,) = declarations(
        "objective gan(C, ratio = 5) {\n"
        "  critic: repeat(ratio) { update C, D maximize E[x ~ p] f(x) }\n"
        "  update p minimize f where { f = 1 }\n"
        "}"
    )
    assert isinstance(objective, t.Objective)
    critic, generator = objective.phases
    assert isinstance(critic, t.Repeated) and critic.label is not None and critic.label.id == "critic"
    assert show(critic.head) == "repeat(ratio)" and isinstance(inner := critic.phases[0], t.Update)
    assert [g.id for g in inner.groups] == ["C", "D"] and inner.direction == "maximize"
    assert isinstance(generator, t.Update) and generator.label is None and generator.direction == "minimize"


def test_docstrings_belong_to_what_follows() -> None:
    first, model, objective = declarations(
        '"""One."""\ndef f(x) = x\n"""Two\n\n   lines."""\n'
        'model M { """Inner."""  def g(x) = x  y = 1 }\nobjective o { }'
    )
    assert isinstance(first, t.Definition) and first.doc == "One."
    assert isinstance(model, t.Model) and model.doc == "Two\n\nlines."
    assert isinstance(inner := model.statements[0], t.Definition) and inner.doc == "Inner."
    assert isinstance(objective, t.Objective) and objective.doc is None


def test_newlines_and_comments_are_white_space() -> None:
    text = "model M { p(x) = Normal(0, 1)  train elbo }"
    spread = text.replace(" ", '\n # comment } ) """\n ').replace("(0,", "(\r\n0,")
    assert declarations(spread) == declarations(text)


def test_a_byte_order_mark_is_white_space() -> None:
    assert declarations("\ufeffmodel M { }") == declarations("model M { }")


def test_parse_expression_with_a_span_uses_it_everywhere() -> None:
    tree = parse_expression("-softplus(a) + log(x[i, <j])^2 where { a = repeat(3) { f } }", span=BUILTIN)
    assert {node.span for node in walk(tree)} == {BUILTIN}


def test_parse_expression_refuses_statements() -> None:
    with pytest.raises(CompileError):
        parse_expression("x = 3")
    with pytest.raises(CompileError):
        parse_expression("")
