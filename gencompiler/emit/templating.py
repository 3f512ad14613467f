"""Templates: boilerplate only, every name accounted for.

A template must use exactly the values that it is given: a value it does not name is as much an error as a name without
a value.  What is put in is text that the emitter made (checked identifiers, literals, escaped documentation); it is
never rendered again, so braces in it mean nothing.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from gencompiler._resources import shipped

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def render(name: str, **values: object) -> str:
    """The text of the template `name` with `values` put in.

    Raises ValueError unless the names in the template are exactly those of `values`."""
    template, names = _loaded(name)
    if names != values.keys():
        missing, unused = sorted(names - values.keys()), sorted(values.keys() - names)
        raise ValueError(f"template {name}: no value for {missing}, no use for {unused}")
    return template.render(**values)


@functools.cache
def _loaded(name: str) -> tuple[Template, frozenset[str]]:
    from jinja2 import meta

    text = (shipped("templates") / name).read_text(encoding="utf-8")
    environment = _environment()
    return environment.from_string(text), frozenset(meta.find_undeclared_variables(environment.parse(text)))


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    return Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
