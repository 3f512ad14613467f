"""The public methods of a class whose model has an annealing path, and the fields that they speak of."""

from __future__ import annotations

from collections.abc import Mapping

from gencompiler.catalog.words import ANNEALED
from gencompiler.emit.code import Code, Sequence, Text, call
from gencompiler.emit.fields import field_code
from gencompiler.emit.literals import string
from gencompiler.emit.methods import Method
from gencompiler.emit.names import Names
from gencompiler.model.annealing import DEFAULTS, Annealed, annealed
from gencompiler.model.nodes import Method as Asked
from gencompiler.model.nodes import Model, Variable
from gencompiler.rows.nodes import Program


def annealing_methods(model: Model, programs: Mapping[str, Program]) -> list[Method]:
    """`ais`, `smc`, and, where a path runs backwards, `reverse_ais` and `bdmc`; those of further paths end in their
    names, as their programs do."""
    found = []
    for own in annealed(model):
        if f"anneal{own.suffix}" not in programs:
            continue
        writer = _Writer(model, own)
        back, exact = (f"{name}{own.suffix}" in programs for name in ("anneal_back", "anneal_exact"))
        found += [writer.forward("ais"), writer.forward("smc")]
        found += [writer.backward()] if back else []
        found += [writer.both()] if back and exact else []
    return found


def annealed_fields(model: Model) -> dict[str, list[Code]]:
    """By path, a field for each variable that it is of or is given, in the order of declaration."""
    found = {}
    for own in annealed(model):
        given = {i.name for i in own.given}
        found[own.label] = [field_code(v, given=v.name in given) for v in _variables(model, own)]
    return found


def asked_name(model: Model, method: Asked) -> str:
    """The name under which a package knows an evaluation: that of the method, and the path where it is not the
    first."""
    own = next((a for a in annealed(model) if method in a.methods), None)
    return method.name if own is None else f"{method.name}{own.suffix}"


def _variables(model: Model, own: Annealed) -> list[Variable]:
    names = {i.name for i in (*own.variables, *own.given)}
    return [v for v in model.variables if v.name in names]


class _Writer:
    """Writes the methods of one model."""

    def __init__(self, model: Model, own: Annealed) -> None:
        self.own = own
        self.variables = _variables(model, own)
        names = Names(("self", "particles", "steps", "threshold", "runs", "rows", "seed"))
        self.arguments = {v.name: names.fresh(v.name) for v in self.variables}
        given = {i.name for i in own.given}
        self.given = [v for v in self.variables if v.name in given]
        self.path = {} if own.first else {"path": string(own.label)}

    def _sizes(self, name: str) -> list[str]:
        """Particles and steps, with the numbers of the spec's own line."""
        asked = next((m for m in self.own.methods if m.name == name), self.own.methods[0])
        stated = {o.name: o.value for o in asked.arguments}
        return [f"{each}: int = {int(stated.get(each, default))}" for each, default in DEFAULTS.items()]

    def _shapes(self, variables: list[Variable]) -> str:
        return ", ".join(f"{v.name} [{', '.join(['rows', *map(str, v.type.shape)])}]" for v in variables)

    def _values(self, variables: list[Variable]) -> Code:
        return Sequence(tuple(Text(self.arguments[v.name]) for v in variables))

    def _of(self) -> str:
        return f" of each row of {self._shapes(self.given)}" if self.given else ""

    def forward(self, name: str) -> Method:
        keywords = {each: each for each in ANNEALED[name] if each != "resample"}
        arguments = [*(f"{self.arguments[v.name]}: Tensor" for v in self.given), "*", *self._sizes(name)]
        words = f"A stochastic lower bound of log Z{self._of()}, by "
        if name == "smc":
            asked = next((m for m in self.own.methods if m.name == "smc"), None)
            threshold = next((o.value for o in asked.arguments if o.name == "threshold"), 0.5) if asked else 0.5
            arguments += [f"threshold: float = {float(threshold)!r}", "runs: int = annealing.RUNS"]
            keywords |= {"threshold": "threshold", "runs": "runs"}
            words += (
                f"tempering along {self.own.path.name}.\n\nParticles are drawn anew where their effective sample size"
                " falls below `threshold` of them; the standard error is from `runs` runs."
            )
        else:
            words += (
                f"annealed importance sampling along {self.own.path.name}.\n\nZ is at least exp(log Z - a) with"
                " probability at least 1 - exp(-a)."
            )
        result = call(f"annealing.{name}", "self", self._values(self.given), **keywords, seed="seed", **self.path)
        return self._method(name, [*arguments, "seed: int = 0"], "annealing.Estimate", words, result)

    def backward(self) -> Method:
        arguments = [f"{self.arguments[v.name]}: Tensor" for v in self.variables]
        sizes = self._sizes("bdmc")
        keys = {name: name for name in ("particles", "steps", "seed")}
        if not self.given:  # each draw is a particle
            sizes, keys = sizes[1:], {**keys, "particles": f"len({arguments[0].partition(':')[0]})"}
        arguments += ["*", *sizes, "seed: int = 0"]
        words = (
            f"A stochastic upper bound of log Z by running {self.own.path.name} backwards.\n\nTakes exact draws of the"
            f" target: {self._shapes(self.variables)}; from draws that are not exact no bound follows."
        )
        result = call("annealing.reverse_ais", "self", self._values(self.variables), **keys, **self.path)
        return self._method("reverse_ais", arguments, "annealing.Estimate", words, result)

    def both(self) -> Method:
        arguments = ["rows: int = 16", "*", *self._sizes("bdmc"), "seed: int = 0"]
        words = (
            "Bounds of log Z from both sides on `rows` draws of the model itself.\n\nThe values that made a simulated"
            " row are an exact draw of its posterior, which the upper bound starts from."
        )
        keys = {name: name for name in ("particles", "steps", "seed")}
        result = call("annealing.bdmc", "self", "rows", **keys, **self.path)
        return self._method("bdmc", arguments, "annealing.Sandwich", words, result)

    def _method(self, name: str, arguments: list[str], returns: str, words: str, result: Code) -> Method:
        names = {"annealing"} | ({"Tensor"} if any("Tensor" in a for a in arguments) else set())
        return Method(f"{name}{self.own.suffix}", tuple(arguments), returns, words, result, frozenset(names))
