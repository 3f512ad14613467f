"""Every designed message is reached by the example beside it, and by nothing that means something else."""

from __future__ import annotations

import pytest

from gencompiler.diagnostics.model import CompileError
from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax.bad_examples import EXAMPLES, BadExample, refusal
from gencompiler.syntax.parse import parse


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.text)
def test_example_gets_its_message(example: BadExample) -> None:
    with pytest.raises(CompileError) as raised:
        parse(SourceText("bad.gen", example.text))
    (found,) = raised.value.diagnostics
    assert found.code == example.code
    assert found.message.startswith(example.message.split("{")[0])
    assert "{" not in found.message.replace("`{`", "").replace("`{ … }`", "")
    assert found.help == ((example.help,) if example.help else ())


def test_no_two_messages_for_the_same_mistake() -> None:
    """Two examples that stop in the same state at the same token must say the same."""
    messages: dict[tuple[int, str], BadExample] = {}
    for example in EXAMPLES:
        state, token = refusal(example.text)
        other = messages.setdefault((state, "" if example.any_token else token), example)
        assert other.message == example.message, f"{other.text!r} and {example.text!r} cannot be told apart"


def test_an_example_that_parses_is_noticed() -> None:
    with pytest.raises(ValueError, match="this parses"):
        refusal("model M { }")
