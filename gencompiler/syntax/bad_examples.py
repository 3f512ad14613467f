"""Designed messages, each beside a text that it answers (the way of Menhir and stanc3).

An example is parsed up to the token that no rule takes.  The state of the automaton there, with that token, is the key:
whoever makes the same mistake gets the same message.  With `any_token` the state alone is the key.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Diagnostic, Label, Severity
from gencompiler.syntax.tables import END, START_FILE, tables

if TYPE_CHECKING:
    from gencompiler.syntax.messages import Context


@dataclasses.dataclass(frozen=True)
class BadExample:
    """`text` is wrong; `message` says how.  `{found}` and `{previous}` are the refused token and the one before it.

    The message is placed at the refused token, or, with `after`, right after the previous one, or, with `previous`, at
    that one."""

    text: str
    code: str
    message: str
    label: str = ""
    help: str = ""
    after: bool = False
    previous: bool = False
    any_token: bool = False


_BODY = "write `= …` after it; a network that is supplied from outside is an `extern def`"
_IN_MODEL = "put it between the braces of `model Name { … }`"
_RANGE = "write `x[1..3]`; a range is half-open, and either end may be left out"
_ROLE = "write `observed`, `latent`, `given` or `param` before it, or a `,` before it to go on with the line above"

EXAMPLES: tuple[BadExample, ...] = (
    # -- what stands at top level and in a model ---------------------------------------------------------------------
    *(
        BadExample(text, "G010", f"`{text.split(' ')[0]}` belongs inside a model", help=_IN_MODEL)
        for text in ("observed x : Real", "latent z : Real", "given c : Real", "param W : Real", "train elbo")
    ),
    *(
        BadExample(text, "G010", f"`{text.split(' ')[0]}` belongs inside a model", help=_IN_MODEL)
        for text in ("sample chain(t)", "evaluate exact", "claim f == g", 'assume a because "b"')
    ),
    *(
        BadExample(
            f"def f(x : Real) -> Real = x {text}",
            "G010",
            f"`{text.split(' ')[0]}` belongs inside a model",
            help=_IN_MODEL,
        )
        for text in ("observed x : Real", "latent z : Real", "given c : Real", "param W : Real", "train elbo")
    ),
    BadExample("p(x) = Normal(0, 1)", "G010", "an equation belongs inside a model", help=_IN_MODEL),
    BadExample("model M { } p(x) = Normal(0, 1)", "G010", "an equation belongs inside a model", help=_IN_MODEL),
    *(
        BadExample(f"{before}update p maximize f{after}", "G010", "`update` belongs inside an objective",
                   help="write `objective name { update … }`")
        for before, after in (("", ""), ("model M { ", " }"), ("model M { x = 1 ", " }"), ("model M { } ", ""))
    ),
    *(
        BadExample(f"model A {{ {before}model B {{ }} }}", "G010", "models do not stand inside each other",
                   help="close the first model with `}` before this one")
        for before in ("", "x = 1 ")
    ),
    *(
        BadExample(f"objective a {{ {before}{text} }}", "G010", f"an objective holds phases, not {what}",
                   help="a phase is `update p maximize …` or `repeat(n) { … }`; equations go into `where { … }`")
        for text, what in (("x = 1", "equations"), ("p(x) = q", "equations"), ("observed x : Real", "declarations"))
        for before in ("", "update p maximize f ")
    ),
    BadExample("objective a { critic: maximize f }", "G005", "a phase begins with `update`", "expected `update`",
               help="write `critic: update C maximize …`", after=True, any_token=True),
    # -- definitions -------------------------------------------------------------------------------------------------
    *(
        BadExample(head, "G005", "this definition has no body", "expected `=`", _BODY, after=True, any_token=True)
        for head in ("def f", "def f(x : Real)", "def f(x : Real) -> Real", "bijection f(x : Real) requires x > 0")
    ),
    *(
        BadExample(f"{head}: x", "G016", "the body of a definition follows `=`, not `:`", help="write `=`")
        for head in ("def f(x)", "def f(x : Real) -> Real")
    ),
    BadExample("sde f(x) = { dx = dW }", "G009", "a block follows the head directly", help="delete the `=`"),
    BadExample("extern def f(x : Real) -> Real = x", "G009", "an `extern def` has no body",
               help="delete the body, or the word `extern`"),
    *(
        BadExample(f"extern def f{signature}", "G005", "an `extern def` states what it takes and gives",
                   "expected a type", "write `extern def net(x : Real[D]) -> Real[D]`", after=True, any_token=True)
        for signature in ("", "(x : Real)")
    ),
    *(
        BadExample(f"extern {kind} f(x : Real) = x", "G009", "only a `def` can be `extern`", help="write `extern def`")
        for kind in ("bijection", "density", "transition", "sde")
    ),
    # -- docstrings --------------------------------------------------------------------------------------------------
    *(
        BadExample(f'{before}"""doc"""{after}', "G013", "this docstring documents nothing",
                   help="a docstring stands before a model, a definition or an objective; comments begin with `#`",
                   previous=True, any_token=True)
        for before, after in (("", ""), ("model M { } ", ""), ("model M { ", " }"), ("model M { x = 1 ", " }"))
    ),
    *(
        BadExample(f'model M {{ x = {text} }}', "G013", "a docstring is not an expression",
                   help="a docstring stands before a declaration")
        for text in ('"""doc"""', 'f("""doc""")')
    ),
    # -- statements --------------------------------------------------------------------------------------------------
    BadExample("model M { observed x }", "G005", "`{previous}` has no type", "expected `:` and a type",
               "write its support and shape: `x : Real[D]`", after=True, any_token=True),
    *(
        BadExample(f"model M {{ {before}x : Real }}", "G005", "`{previous}` is declared without a role", help=_ROLE)
        for before in ("", "x = 1 ", "x, ")
    ),
    *(
        BadExample(f"model M {{ {targets} == 3 }}", "G016", "`==` compares; an equation is written with `=`",
                   help="write `=`")
        for targets in ("x", "p(x)", "x[0]")
    ),
    *(
        BadExample(f"model M {{ {targets} <- 3 }}", "G016", "an equation is written with `=`, a draw with `~`",
                   help="write `=` or `~`")
        for targets in ("x", "p(x)", "x[0]")
    ),
    BadExample("model M { a, b = c, d }", "G009", "a right-hand side is one expression",
               help="write a tuple: `(c, d)`"),
    BadExample("model M { y = a if t > 0 then b else c }", "G009", "an `if` after a value is a guard without `then`",
               help="to choose between values write `if t > 0 then a else b`"),
    BadExample("model M { y = a if t > 0 where { t = 1 } }", "G009", "`where` stands before the guard",
               help="write `y = a where { … } if t > 0`"),
    BadExample("model M { train elbo { epochs = 5 } }", "G005", "options follow `with`", "expected `with`",
               "write `with { … }`", after=True),
    BadExample("model M { train elbo with epochs = 5 }", "G005", "options stand in braces", "expected `{`",
               "write `with { … }`", after=True, any_token=True),
    BadExample("model M { x = 1 where { y = 2 } where { z = 3 } }", "G009", "there is a `where` already",
               help="put all local equations into one block"),
    *(
        BadExample(f"model M {{ assume f == g\n {following} }}", "G005", "an assumption states its reason",
                   'expected `because "…"`', 'write `assume … because "…"`', after=True)
        for following in ("", "x = 1", "p(x) = q", "claim f == g", "train elbo", "sample ancestral", "evaluate exact",
                          "observed x : Real", "param x : Real", "def f(x) = x", "transition t = s")
    ),
    BadExample("model M { assume f == g because proven }", "G005", "the reason is a string", "expected a string",
               'write it in double quotes: `because "…"`', after=True, any_token=True),
    # -- expressions -------------------------------------------------------------------------------------------------
    BadExample("model M { x = if a then b }", "G005", "an `if` needs an `else`", "expected `else`",
               "write `if … then … else …`", after=True, any_token=True),
    BadExample("model M { x = if a else b }", "G005", "an `if` needs a `then`", "expected `then`",
               "write `if … then … else …`", after=True, any_token=True),
    BadExample("model M { x = for i in 0..3 a[i] }", "G005", "the body of a `for` follows `:`", "expected `:`",
               "write `for i in 0..3: …`", after=True, any_token=True),
    *(
        BadExample(f"model M {{ y = {text} }}", "G016", "a range is written with `..`", help=_RANGE)
        for text in ("x[1:3]", "x[i:]")
    ),
    BadExample("model M { y = x[:3] }", "G016", "a range is written with `..`", help=_RANGE, any_token=True),
    BadExample("model M { x = z |> repeat(3) Step }", "G005", "`repeat` wraps what stands in braces", "expected `{`",
               "write `repeat(3) { Step }`", after=True, any_token=True),
    BadExample("model M { x = z |> repeat { Step } }", "G005", "`repeat` needs to know how often, in parentheses",
               "expected `(`", "write `repeat(3) { Step }`", after=True, any_token=True),
    *(
        BadExample(f"model M {{ x = {text} }}", "G005", "`log` needs what it is applied to", "expected an expression",
                   "`log` is a prefix operator: write `log x`; a stage is a map, as "
                   "`bijection Log(u : Positive) -> Real = log u`", after=True, any_token=True)
        for text in ("z |> log", "f(log)", "f(log, x)", "log + 1")
    ),
    BadExample("model M { x = +1 }", "G009", "there is no unary `+`", help="delete it"),
)  # fmt: skip


def refusal(text: str) -> tuple[int, str]:
    """The state in which parsing `text` stops, and the kind of the token that is refused there."""
    table = tables()
    stack = [table.start_states[START_FILE]]
    for kind in (*(token.type for token in table.lark.lex(text)), END):
        if not table.step(stack, kind):
            return table.settled(stack), kind
    raise ValueError(f"this parses: {text}")


@functools.cache
def _index() -> dict[tuple[int, str], BadExample]:
    """The examples by state and token; the token is "" where it does not matter."""
    index: dict[tuple[int, str], BadExample] = {}
    for example in EXAMPLES:
        state, kind = refusal(example.text)
        index.setdefault((state, "" if example.any_token else kind), example)
    return index


def designed(context: Context) -> Diagnostic | None:
    """The designed message for where parsing stopped, if there is one."""
    index = _index()
    example = index.get((context.stuck, context.token.type)) or index.get((context.stuck, ""))
    if example is None:
        return None
    span = context.after_previous() if example.after else context.span(context.token)
    if example.previous and context.previous is not None:
        span = context.span(context.previous)
    message = example.message.format(found=context.token, previous=context.previous)
    help_ = (example.help,) if example.help else ()
    return Diagnostic(example.code, Severity.ERROR, message, (Label(span, example.label),), help=help_)
