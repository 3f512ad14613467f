"""The public methods of a generated class: which it has, their signatures and words, by what row programs there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from gencompiler.derive.diffusions import end_of, start_of
from gencompiler.emit.code import Code, Sequence, Text, call, flat
from gencompiler.emit.literals import string
from gencompiler.emit.names import Names, identifier
from gencompiler.emit.signature import signature
from gencompiler.model import diffusion_methods, flows
from gencompiler.model.masses import summed
from gencompiler.model.nodes import Method as Asked
from gencompiler.model.nodes import Model, Variable
from gencompiler.rows.nodes import Program


@dataclasses.dataclass(frozen=True)
class Method:
    """`arguments` with their annotations, after `self`; `names` are what must be imported for it."""

    name: str
    arguments: tuple[str, ...]
    returns: str
    documentation: str
    result: Code
    names: frozenset[str]


#: Public attributes of `runtime.Model` and `torch.nn.Module` that a program's method must not hide; `forward`, which
#: every flow defines anew, is not among them.  A test compares the list with the classes.
_NAMES = """
    T_destination add_module ais annealed apply assign attach bdmc begin bfloat16 buffers call_program call_super_init
    capabilities chain children compile compiler computed cpu csl cuda declare device distribution double dtype
    dump_patches enter entered eval evaluations explored externals extra_repr fields fit float get_buffer
    get_extra_state get_parameter get_submodule given given_values half ipu kernel latents learned load load_state_dict
    log_prob log_z loss model_hash modules moving mtia named_buffers named_children named_modules named_parameters
    observed origins package parameters phases posterior_chain programs raw register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ reverse_ais row_values
    rsample_and_log_prob run run_batch sample save set_extra_state set_submodule shaped share_memory smc spec started
    starts state_dict summed tile to to_empty train training tuning type value warm_up xpu zero_grad
"""
RESERVED = frozenset(_NAMES.split())

_DRAWING = ("row: Tensor | None = None", "seed: int = 0", "step: int = 0")
_KEYS = {"row": "row", "seed": "seed", "step": "step"}

#: What measures how well the program of the same name before it solved its equations.
RESIDUAL = "_residual"

#: Programs that are reached through others' methods.
_HIDDEN: tuple[str, ...] = ("start", "chain", "sample", "rsample", "prior")
_HIDDEN += ("posterior_start", "posterior_steps", "warm_up", "log_mass", "csl", "start_means", "start_values")


def methods_of(model: Model, programs: Mapping[str, Program], chain: Mapping[str, int]) -> list[Method]:
    """The class's public methods, in the order log_prob, sample, the maps, the rest."""
    writer = _Writer(model, programs)
    found: list[Method] = []
    found += [writer.row_values(name) for name in ("log_prob", "probability_flow", "energy") if name in programs]
    if "sample" in programs:
        found.append(writer.sample())
    elif "chain" in programs:
        found.append(writer.chain_sample(chain))
    if {"start", "reverse"} <= programs.keys():
        found.append(writer.trajectory())
    if any(name.startswith("coefficients_") for name in programs):
        found.append(writer.fokker_planck())
    if "rsample" in programs:
        found.append(writer.rsample())
    if "chain" in programs:
        found.append(writer.chain(chain))
    if "csl" in programs:
        found.append(writer.csl(chain))
    if "log_mass" in programs:
        found.append(writer.log_z())
    if "posterior_steps" in programs:
        found.append(writer.posterior_chain())
    if "log_weight" in programs:
        found.append(writer.log_weight())
    if "encode" in programs:
        found.append(writer.encode())
    found += [writer.decode(name) for name in ("decode", "decode_mean") if name in programs]
    done = {"log_prob", "probability_flow", "energy", "log_weight", "encode", "decode", "decode_mean", *_HIDDEN}
    for name in programs:
        if name in done or name.startswith(("objective_", "anneal")) or name.endswith(RESIDUAL):
            continue
        solved = f"{name}{RESIDUAL}" in programs
        found += (
            [writer.solved(name, inform=False), writer.solved(name, inform=True)] if solved else [writer.plain(name)]
        )
    return found


class _Writer:
    """Writes the methods of one model."""

    def __init__(self, model: Model, programs: Mapping[str, Program]) -> None:
        self.model, self.programs = model, programs
        self.observed = [v for v in model.variables if v.role == "observed"]
        self.given = [v for v in model.variables if v.role == "given"]
        self.names = Names(("self", "context", "row", "seed", "step", "count", "draws", "burn_in", "thin", "start"))
        self.arguments = {v.name: self.names.fresh(v.name) for v in self.observed}

    def _method(self, name: str, arguments: Iterable[str], returns: str, words: str, result: Code) -> Method:
        arguments = tuple(arguments)
        text = " ".join((*arguments, returns))
        names = {each for each in ("Tensor", "Context", "Values", "Chain", "Solution", "Trajectory") if each in text}
        modules = ("conservative", "fokker_planck", "partition", "posterior", "sampling", "solving", "math")
        names |= {module for module in modules if f"{module}." in flat(result)}
        return Method(name, arguments, returns, words, result, frozenset(names))

    def _context(self) -> tuple[list[str], dict[str, str]]:
        return (["context: Context"], {"context": "context"}) if self.given else ([], {})

    def _x(self) -> str:
        return ", ".join(v.name for v in self.observed)

    def _shapes(self, variables: Iterable[Variable]) -> str:
        return ", ".join(f"{v.name} [{', '.join(['rows', *map(str, v.type.shape)])}]" for v in variables)

    def _values(self) -> Code:
        return Sequence(tuple(Text(a) for a in self.arguments.values()))

    # -- densities ---------------------------------------------------------------------------------------------------

    def row_values(self, name: str) -> Method:
        draws = "seed" in signature(self.programs[name]).keywords
        context, passed = self._context()
        keywords = [*context, *(_DRAWING if draws else ())]
        arguments = [f"{a}: Tensor" for a in self.arguments.values()] + (["*", *keywords] if keywords else [])
        condition = f" | {', '.join(v.name for v in self.given)}" if self.given else ""
        if name == "energy":
            what, outside = f"-log p({self._x()}{condition}) up to an unknown constant", "inf"
        elif name == "probability_flow":
            what, outside = f"an estimate of log p({self._x()}{condition}) in nats by the probability flow", "-inf"
        elif draws and flows.odes(self.model):
            what, outside = f"one unbiased draw of an estimate of log p({self._x()}{condition}) in nats", "-inf"
        elif draws:
            what, outside = f"one draw of a lower bound of log p({self._x()}{condition}) in nats", "-inf"
        else:
            what, outside = f"log p({self._x()}{condition}) in nats", "-inf"
        words = f"{what}, of {self._shapes(self.observed)}: [rows]; {outside} outside the support."
        if draws:
            words += "\n\nThe draw is keyed by the seed, the step and each row's number (0, 1, … when `row` is None)."
        passed |= _KEYS if draws else {}
        passed |= {"outside": "math.inf"} if name == "energy" else {}
        result = call("self.row_values", string(name), self._values(), **passed)
        return self._method(name, arguments, "Tensor", words[0].upper() + words[1:] if draws else words, result)

    def log_z(self) -> Method:
        names = ", ".join(v.name for v in summed(self.model))
        words = (
            f"log of the constant of p, as the sum over all values of {names}, exact but for rounding.\n\n"
            "log p of a row is -energy(row) - log_z()."
        )
        return self._method("log_z", [], "float", words, call("partition.log_z", "self"))

    # -- samples -----------------------------------------------------------------------------------------------------

    def _returned(self) -> str:
        return "Tensor" if len(self.observed) == 1 else f"tuple[{', '.join(['Tensor'] * len(self.observed))}]"

    def sample(self) -> Method:
        context, passed = self._context()
        arguments = ["count: int = 1", "*", *context, "seed: int = 0"]
        kind, _, _ = self.programs["sample"].title.partition(" ")
        words = (
            f"{kind.capitalize()} draws of {self._shapes(self.observed)}, `count` rows.\n\n"
            "Row i is a function of the seed and i alone, whatever `count` is."
        )
        result = call("sampling.sample", "self", "count", **passed, seed="seed")
        return self._method("sample", arguments, "Values", words, result)

    def trajectory(self) -> Method:
        """States on the way of `sample`: the steps and the ends of time are constants of the spec."""
        asked = diffusion_methods.method_of(self.model, "sample")
        sde = next(s for s in self.model.sdes if asked is not None and s.name == diffusion_methods.option(asked, "sde"))
        assert asked is not None
        end = end_of(sde)
        assert end is not None, "sampling starts at the end of time"
        context, passed = self._context()
        arguments = ["count: int = 1", "points: int = 11", "*", *context, "seed: int = 0"]
        words = (
            f"The way of `sample(count)` from noise: states [count, points, …] of {sde.state.name} equally many "
            "steps from each other.\n\nThe last state is the sample."
        )
        ends = {"first": repr(float(end)), "last": repr(float(start_of(sde) + diffusion_methods.cutoff_of(asked)))}
        steps = str(diffusion_methods.steps_of(asked))
        passed |= _grid(asked, float(start_of(sde)))
        result = call("sampling.trajectory", "self", "count", "points", **passed, steps=steps, **ends, seed="seed")
        return self._method("trajectory", arguments, "Trajectory", words, result)

    def fokker_planck(self) -> Method:
        """The density that a spec asks for on a grid."""
        asked = next(m for m in self.model.methods if m.name == "fokker_planck")
        sde = diffusion_methods.option(asked, "equation")
        words = (
            f"The density of {self._x()} under {sde}, on a grid, at some times.\n\n"
            "`grid` cells for each axis and `steps` implicit steps (default: the spec's); `bounds` of every axis are "
            "found by paths where none are given."
        )
        arguments = ["*", "grid: int | None = None", "steps: int | None = None"]
        arguments.append("bounds: tuple[float, float] | None = None")
        result = call("fokker_planck.of", "self", grid="grid", steps="steps", bounds="bounds")
        return self._method("fokker_planck", arguments, "Solution", words, result)

    def rsample(self) -> Method:
        context, passed = self._context()
        arguments = ["count: int = 1", "*", *context, "seed: int = 0"]
        words = f"Differentiable draws of {self._shapes(self.observed)}, and their log-density [rows]."
        result = call("sampling.rsample", "self", "count", **passed, seed="seed")
        return self._method("rsample_and_log_prob", arguments, "tuple[Values, Tensor]", words, result)

    def chain(self, options: Mapping[str, int]) -> Method:
        context, passed = self._context()
        arguments = [
            "count: int = 1",
            "draws: int = 1",
            "*",
            *context,
            *_chain_arguments(options),
            "start: list[Tensor] | None = None",
        ]
        words = (
            f"`count` independent chains, `draws` states of each, `thin` steps apart after `burn_in` steps.\n\n"
            f"Draws are [count, draws, …] for {self._x()}; `start` are first states (default: the spec's)."
        )
        keys = passed | {name: name for name in ("burn_in", "thin", "seed", "start")}
        result = call("sampling.chain", "self", "count", "draws", **keys)
        return self._method("chain", arguments, "Chain", words, result)

    def csl(self, options: Mapping[str, int]) -> Method:
        asked = next(m for m in self.model.methods if m.name == "csl")
        count = next((int(o.value) for o in asked.arguments if o.name == "samples"), None)
        samples = "conservative.SAMPLES" if count is None else str(count)
        context, passed = self._context()
        arguments = [f"{a}: Tensor" for a in self.arguments.values()]
        counts = [f"samples: int = {samples}", f"burn_in: int = {options['burn_in']}"]
        arguments += ["*", *context, *counts, "seed: int = 0"]
        words = (
            f"log of the mean density of {self._shapes(self.observed)} over `samples` chains, after one more step"
            ": [rows].\n\n"
            "At most log of the density of the chain's law after so many steps, in expectation."
        )
        keys = {**passed, **{name: name for name in ("samples", "burn_in", "seed")}}
        result = call("conservative.log_density", "self", self._values(), **keys)
        return self._method("csl", arguments, "Tensor", words, result)

    def posterior_chain(self) -> Method:
        context, passed = self._context()
        counts = ("draws: int = 1", "burn_in: int = 1000", "thin: int = 1", "seed: int = 0")
        arguments = [f"{a}: Tensor" for a in self.arguments.values()] + ["*", *context, *counts]
        words = (
            f"Draws from the posterior given {self._shapes(self.observed)}, by a chain for each row: `draws` states, "
            "`thin` steps apart after `burn_in` steps."
        )
        keys = passed | {name: name for name in ("draws", "burn_in", "thin", "seed")}
        result = call("posterior.chain", "self", self._values(), **keys)
        return self._method("posterior_chain", arguments, "Chain", words, result)

    def chain_sample(self, options: Mapping[str, int]) -> Method:
        context, passed = self._context()
        arguments = ["count: int = 1", "*", *context, f"burn_in: int = {options['burn_in']}", "seed: int = 0"]
        words = (
            f"The last states of `count` independent chains after `burn_in` steps: {self._shapes(self.observed)}.\n\n"
            "Their law is p in the limit of long chains."
        )
        result = call("sampling.last_state", "self", "count", **passed, burn_in="burn_in", seed="seed")
        return self._method("sample", arguments, "Values", words, result)

    # -- latent variables --------------------------------------------------------------------------------------------

    def log_weight(self) -> Method:
        context, passed = self._context()
        arguments = [f"{a}: Tensor" for a in self.arguments.values()] + ["*", *context, *_DRAWING]
        title = self.programs["log_weight"].title.replace(" of each row,", "")
        words = f"{title} given {self._shapes(self.observed)}: [rows]; -inf outside the support."
        words = "\n\n".join((words, _WEIGHT, _KEYED))
        result = call("self.row_values", string("log_weight"), self._values(), **passed, **_KEYS)
        return self._method("log_weight", arguments, "Tensor", words, result)

    def encode(self) -> Method:
        context, passed = self._context()
        program = self.programs["encode"]
        arguments = [f"{a}: Tensor" for a in self.arguments.values()] + ["*", *context, *_DRAWING]
        words = f"{_title(program)}.\n\nTakes {self._shapes(self.observed)}; returns {_outputs(program)}.\n\n{_KEYED}"
        entered = call("self.entered", self._values(), **passed)
        result = call("self.call_program", string("encode"), entered, **_KEYS)
        return self._method("encode", arguments, _tensors(program), words, result)

    def decode(self, name: str) -> Method:
        """From latent variables; given ones come last among the program's inputs."""
        context, _ = self._context()
        program, names = self.programs[name], Names(("self", "context", *_KEYS))
        own = program.inputs[: len(program.inputs) - len(self.given)]
        inputs = [names.fresh(each.name) for each in own]
        draws = "seed" in signature(program).keywords
        keywords = [*context, *(_DRAWING if draws else ())]
        arguments = [f"{a}: Tensor" for a in inputs] + (["*", *keywords] if keywords else [])
        takes = ", ".join(f"{a} {_axes(each.type.shape)}" for a, each in zip(inputs, own, strict=True))
        words = f"{_title(program)}.\n\nTakes {takes}; returns {_outputs(program)}."
        words += f"\n\n{_KEYED}" if draws else ""
        given = ["*self.given_values(context)"] if self.given else []
        passed: list[Code] = [Text(a) for a in (*inputs, *given)]
        result = call("self.call_program", string(name), Sequence(tuple(passed)), **(_KEYS if draws else {}))
        return self._method(name, arguments, _tensors(program), words, result)

    # -- everything else ---------------------------------------------------------------------------------------------

    def plain(self, name: str) -> Method:
        """A method that passes tensors to the program and its outputs back."""
        program = self.programs[name]
        names = Names(("self", "row", "seed", "step", "steps"))
        inputs = [names.fresh(each.name) for each in program.inputs]
        called = signature(program)
        draws = "seed" in called.keywords
        first = {"step": 0}
        keywords = [f"{name}: int = {first.get(name, 1)}" for name in called.scalars] + [*(_DRAWING if draws else ())]
        arguments = [f"{a}: Tensor" for a in inputs] + (["*", *keywords] if keywords else [])
        passed = {name: name for name in called.scalars} | (_KEYS if draws else {})
        takes = ", ".join(f"{a} {_axes(each.type.shape)}" for a, each in zip(inputs, program.inputs, strict=True))
        words = f"{_title(program)}.\n\nTakes {takes}; returns {_outputs(program)}."
        code = call("self.call_program", string(name), Sequence(tuple(Text(a) for a in inputs)), **passed)
        method = identifier(name) + ("_" if name in RESERVED else "")
        return self._method(method, arguments, _tensors(program), words, code)

    def solved(self, name: str, *, inform: bool) -> Method:
        """A direction of a pipeline that is solved numerically; `inform`: with how well each row was."""
        program, names = self.programs[name], Names(("self",))
        inputs = [names.fresh(each.name) for each in program.inputs]
        takes = ", ".join(f"{a} {_axes(each.type.shape)}" for a, each in zip(inputs, program.inputs, strict=True))
        value, base = program.outputs[0].name, program.inputs[0].name
        words = f"{_title(program)}.\n\nTakes {takes}; returns {_outputs(program)}"
        if inform:
            words += (
                f", the residual |f({value}) - {base}| of what was solved, the bound that rounding explains, and "
                "whether each row keeps to it."
            )
        else:
            words += f".  Warns where a row has not converged; `{name}_ex` says which."
        function = "solving.inform" if inform else "solving.solve"
        code = call(function, "self", string(name), Sequence(tuple(Text(a) for a in inputs)))
        arguments = [f"{a}: Tensor" for a in inputs]
        returns = "solving.Solved" if inform else _tensors(program)
        return self._method(f"{name}_ex" if inform else name, arguments, returns, words, code)


def _grid(asked: Asked, start: float) -> dict[str, str]:
    """What `sampling.trajectory` needs to know of a grid whose steps differ."""
    rho = diffusion_methods.rho_of(asked)
    if rho is None:
        return {}
    leads = not diffusion_methods.solver_of(asked).exponential
    return {"rho": repr(float(rho)), "start": repr(start)} | ({"final": "True"} if leads else {})


#: What the weights are for.
_WEIGHT = (
    "Its exponential is an unbiased estimate of p(row), so the logmeanexp over K draws is a lower bound in expectation,"
    " which rises with K."
)
_KEYED = "Draws are keyed by the seed, the step and each row's number (0, 1, … when `row` is None)."


def _title(program: Program) -> str:
    """The program's title as the first sentence of a docstring, without its period."""
    return (program.title[:1].upper() + program.title[1:]).rstrip(".")


def _tensors(program: Program) -> str:
    """The annotation of what a program returns."""
    several = ", ".join(["Tensor"] * len(program.outputs))
    return several if len(program.outputs) == 1 else f"tuple[{several}]"


def _outputs(program: Program) -> str:
    return ", ".join(f"{each.name} {_axes(each.type.shape)}" for each in program.outputs)


def _chain_arguments(options: Mapping[str, int]) -> list[str]:
    return [*(f"{name}: int = {value}" for name, value in options.items()), "seed: int = 0"]


def _axes(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(['rows', *map(str, shape)])}]"
