"""Of the values of a loop's body, the condition without which nothing reads them."""

from __future__ import annotations

from gencompiler.rows.guarded import guards
from gencompiler.rows.nodes import Expr
from tests.rows.building import apply, carry, index, let, local, loop, number, row, select, uniform

STATE, SAVED = local("state", row()), local("saved", row())
SOMETIMES = apply("equal", index("k"), number(3, "integer"))


def chosen(condition: Expr) -> Expr:
    return select(condition, SAVED, STATE)


def test_what_is_read_in_one_case_alone_is_guarded() -> None:
    body = (let("inner", apply("exp", STATE)), let("saved", apply("add", local("inner", row()), 1.0)))
    assert guards(body, [chosen(SOMETIMES)]) == {"inner": SOMETIMES, "saved": SOMETIMES}
    assert guards(body, [chosen(SOMETIMES), SAVED]) == {}
    assert guards((*body, let("again", SAVED)), [chosen(SOMETIMES)]) == {}


def test_a_condition_that_differs_between_rows_guards_nothing() -> None:
    assert guards((let("saved", apply("exp", STATE)),), [chosen(apply("less", STATE, 0.0))]) == {}


def test_a_condition_that_is_known_later_guards_nothing() -> None:
    saved, known = let("saved", apply("exp", STATE)), local("known", uniform())
    condition = apply("less", known, 1.0)
    for later in (let("known", number(0.5)), loop("steps", "j", 2, (carry("known", number(0.0), known),))):
        assert guards((later, saved), [chosen(condition)]) == {"saved": condition}
        assert guards((saved, later), [chosen(condition)]) == {}
