"""`model.py` of a generated package: the row functions, then one class with named parameters and public methods.

Layout of the file, which the printers share (see `torch.print_function`):

    header docstring (spec, hash, compiler)
    imports
    def log_prob_rows(x, W, V, b, c), def sample_rows(W, …, *, rows, seed, step), …   one function per row program
    class NADE(Model): fields, programs, phases, __init__ with declared parameters, public methods

`kernels.py` has functions of the same names and signatures, so that `Model` picks one file or the other for each
program.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from gencompiler.diagnostics.span import Span
from gencompiler.emit.annealing_methods import annealed_fields, annealing_methods, asked_name
from gencompiler.emit.code import WIDTH, Code, Sequence, Text, call
from gencompiler.emit.fields import field_code, number_code, shape_code, starts_code, support_code
from gencompiler.emit.gradients import IMPORTS as GRADIENT_IMPORTS
from gencompiler.emit.gradients import Ways, borrowed, gradient_table, print_gradient_kernels
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import documentation, string
from gencompiler.emit.methods import Method, methods_of
from gencompiler.emit.names import Names, identifier
from gencompiler.emit.parameter_lists import ParameterLists, parameter_lists, strings
from gencompiler.emit.places import Places
from gencompiler.emit.signature import signature
from gencompiler.emit.stages import Pieces, print_schedule
from gencompiler.emit.templating import render
from gencompiler.emit.torch import IMPORTS, TILES, Printed, print_function, row_tiles, row_width
from gencompiler.emit.triton import import_lines
from gencompiler.model.chain_conditions import Tuned, adapts, tuned, warm_up
from gencompiler.model.determined import free_latents
from gencompiler.model.masses import summed
from gencompiler.model.nodes import Model, Option, Parameter, Real, Variable
from gencompiler.rows.analysis import most_particles
from gencompiler.rows.chains import exploring_transition, hidden_state, sampling_transition, state_of
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Schedule

#: What the class and its methods may import, by module; the names are taken before a model's name is chosen.
_RUNTIME = {
    "gencompiler.runtime": (
        "annealing",
        "conservative",
        "causal",
        "convolutions",
        "fokker_planck",
        "norms",
        "partition",
        "quantiles",
        "random",
        "posterior",
        "sampling",
        "solving",
        "special",
        "tiles",
    ),
    "gencompiler.runtime.adaptation": ("Condition",),
    "gencompiler.runtime.fields": ("Field", "Support"),
    "gencompiler.runtime.modules": ("Context", "Model", "Phase", "RowFunction", "Values"),
    "gencompiler.runtime.fokker_planck": ("Solution",),
    "gencompiler.runtime.sampling": ("Chain", "Trajectory"),
    "gencompiler.runtime.starts": ("Start",),
}
_TAKEN = ("math", "torch", "F", "Tensor", "ClassVar", *(name for names in _RUNTIME.values() for name in names))


@dataclasses.dataclass(frozen=True)
class ClassPlan:
    """What the emitters agree on before they print: the class's name, the programs, and the name of each one's function
    in `model.py` and in `kernels.py`."""

    class_name: str
    programs: Mapping[str, Program]
    functions: Mapping[str, str]


def plan_class(model: Model, programs: Mapping[str, Program]) -> ClassPlan:
    """Names for the class and its functions, none used twice."""
    names = Names(_TAKEN)
    class_name = names.fresh(model.name)
    return ClassPlan(class_name, programs, {name: names.fresh(f"{identifier(name)}_rows") for name in programs})


def chain_options(model: Model) -> dict[str, int]:
    """`burn_in` and `thin` of `sample chain(T, …)`."""
    found = {"burn_in": warm_up(model) or 1000, "thin": 1}
    for method in model.methods:
        if method.verb == "sample" and method.name == "chain":
            found |= {o.name: int(o.value) for o in method.arguments if o.name in found}
    return found


def emit_module(
    model: Model,
    plan: ClassPlan,
    *,
    header: str,
    attributes: Mapping[str, str],
    capabilities: Mapping[str, str],
    phases: tuple[Code, ...],
    places: Places,
) -> str:
    """The text of `model.py`.  `header` is its escaped docstring; `attributes` are strings that the class states."""
    functions, imports = _functions(plan, places)
    methods = methods_of(model, plan.programs, chain_options(model))
    methods += annealing_methods(model, plan.programs)
    body = "\n\n".join(_method(each) for each in methods)
    used = {name for each in methods for name in each.names}
    shared = _shared_parameters(model, plan)
    names = {"Field", "Support", "Model", "RowFunction"} | used
    names |= ({"Condition"} if tuned(model) else set()) | ({"Start"} if model.starts else set())
    names |= ({"Phase"} if phases else set()) | ({"nn"} if model.externals else set())
    return render(
        "model.py.jinja",
        header=header,
        imports=_imports(imports, names),
        functions="\n\n\n".join([*functions, *shared.definitions()]),
        class_name=plan.class_name,
        documentation=_class_documentation(model, capabilities),
        attributes=_attributes(model, plan, attributes, capabilities, phases, shared),
        constructor=_constructor(model, places),
        methods=body,
    )


def emit_kernels(plan: ClassPlan, fused: Mapping[str, Schedule], header: str, places: Places) -> str:
    """The text of `kernels.py`: the fused programs' kernels, each with a launcher of the row function's name."""
    pieces: Pieces = {}
    found = [
        print_schedule(each, name=plan.functions[name], where=places, known=pieces) for name, each in fused.items()
    ]
    return _kernels([printed for each in found for printed in each], header)


def emit_backward(plan: ClassPlan, found: Ways[Schedule], header: str, places: Places) -> str:
    """The text of `backward.py`: the kernels of the backward passes, and the table that `runtime.gradients` reads."""
    printed = print_gradient_kernels(plan.functions, found, places)
    table = gradient_table(plan.functions, plan.programs, found, found)
    own = borrowed(plan.functions, found)
    beside = f"from .kernels import {', '.join(own)}" if own else ""
    return _kernels(printed, header, table, GRADIENT_IMPORTS, beside)


def _kernels(
    printed: list[Printed], header: str, table: Iterable[str] = (), more: tuple[str, ...] = (), beside: str = ""
) -> str:
    """`table` stands behind the functions; `more` are imports from the runtime, `beside` one from the package."""
    parts = [*(each.text.rstrip("\n") for each in printed), "\n".join(table)]
    functions = "\n\n\n".join(part for part in parts if part)
    lines = [*import_lines(printed, more), *(["", beside] if beside else [])]
    imports = "\n".join(wrapped for line in lines for wrapped in _wrapped_import(line))
    # ruff keeps one line between imports and a constant, two before a function
    gap = "\n\n" if functions.startswith(("@", "def ")) else "\n"
    return render("kernels.py.jinja", header=header, imports=imports, functions=gap + functions)


def _functions(plan: ClassPlan, places: Callable[[Span], str]) -> tuple[list[str], set[str]]:
    texts: list[str] = []
    imports: set[str] = set()
    for name, program in plan.programs.items():
        printed = print_function(program, name=plan.functions[name], where=places)
        texts.append(printed.text.rstrip("\n"))
        imports |= printed.imports
    return texts, imports


def _imports(printed: set[str], names: set[str]) -> str:
    """The import block, sorted as ruff sorts it."""
    runtime: dict[str, set[str]] = {}
    for module, known in _RUNTIME.items():
        wanted = {name for name in known if name in names or name in printed}
        if wanted:
            runtime[module] = wanted
    standard = [IMPORTS["math"]] if "math" in printed | names else []
    third = ["import torch"] if "torch" in printed else []
    shown = sorted({"Tensor", "nn"} & names)
    third += [f"from torch import {', '.join(shown)}"] if shown else []
    third += [IMPORTS["F"]] if "F" in printed else []
    own = [line for module, wanted in sorted(runtime.items()) for line in _from(module, wanted)]
    blocks = ("\n".join([*standard, "from typing import ClassVar"]), "\n".join(third), "\n".join(own))
    return "\n\n".join(block for block in blocks if block)


def _from(module: str, names: set[str]) -> list[str]:
    # ruff's order: constants, classes, variables; here classes and aliases are capitalised, modules are not
    ordered = sorted(names, key=lambda name: (not name[0].isupper(), name))
    return _wrapped_import(f"from {module} import {', '.join(ordered)}")


def _wrapped_import(line: str) -> list[str]:
    """An import as ruff lays it out: one name a line where the names do not fit one."""
    head, _, names = line.partition(" import ")
    if len(line) <= WIDTH or not names:
        return [line]
    return [f"{head} import (", *(f"    {name}," for name in names.split(", ")), ")"]


# -- the class -------------------------------------------------------------------------------------------------------


def _class_documentation(model: Model, capabilities: Mapping[str, str]) -> str:
    lines = [model.doc.strip() or f"{model.name}.", ""]
    for variable in model.variables:
        lines.append(f"{variable.name} : {variable.type}, {variable.role}")
    if model.parameters:
        lines += ["", "Parameters: " + ", ".join(_parameter_in_words(p) for p in model.parameters)]
    lines += ["", ", ".join(f"{what}: {how}" for what, how in capabilities.items())]
    return documentation("\n".join(lines), 4)


def _parameter_in_words(parameter: Parameter) -> str:
    shape = ", ".join(map(str, parameter.storage_shape))
    return f"{parameter.path} {parameter.support}" + (f"[{shape}]" if shape else "")


def _attributes(
    model: Model,
    plan: ClassPlan,
    strings: Mapping[str, str],
    capabilities: Mapping[str, str],
    phases: tuple[Code, ...],
    shared: ParameterLists,
) -> str:
    lengths = {name: each.name for each in model.lengths for name in each.variables}
    of_rows = [v for v in model.variables if v.role in ("observed", "given")]
    fields = [field_code(v, length=lengths.get(v.name, "")) for v in of_rows]
    lines = statement("fields = ", Sequence(tuple(fields)), 4)
    if {"encode", "decode", "prior"} & set(plan.programs):
        lines += statement("latents = ", Sequence(tuple(field_code(v) for v in free_latents(model))), 4)
    if "chain" in plan.programs and (moving := _moving(model)):
        lines += statement("moving = ", Sequence(tuple(field_code(v) for v in moving)), 4)
    if "posterior_steps" in plan.programs:
        lines += statement("explored = ", Sequence(tuple(_explored(model))), 4)
    if conditions := tuned(model):
        lines += statement("tuning = ", Sequence(tuple(_condition(each) for each in conditions)), 4)
        lines += [f"    warm_up = {warm_up(model)}"] if adapts(model) else []
    if "log_mass" in plan.programs:
        lines += statement("summed = ", Sequence(tuple(field_code(v) for v in summed(model))), 4)
    if annealed := annealed_fields(model):
        lines += ["    annealed: ClassVar[dict[str, tuple[Field, ...]]] = {"]
        for path, along in annealed.items():
            lines += statement(f"{string(path)}: ", Sequence(tuple(along)), 8, ",")
        lines += ["    }"]
    lines += ["    programs: ClassVar[dict[str, RowFunction]] = {"]
    for name, program in plan.programs.items():
        shapes = {v.name: v.type.shape for v in model.variables}
        code = _row_function(plan.functions[name], program, shared, shapes)
        lines += statement(f"{string(name)}: ", code, 8, ",")
    lines += ["    }"]
    if model.starts:
        lines += statement("starts = ", Sequence(tuple(starts_code(model))), 4)
    if phases:
        lines += statement("phases = ", Sequence(phases), 4)
    listed = ", ".join(f"{string(k)}: {string(v)}" for k, v in capabilities.items())
    lines += [f"    capabilities: ClassVar[dict[str, str]] = {{{listed}}}"]
    if asked := {asked_name(model, m): m.arguments for m in model.methods if m.verb == "evaluate"}:
        lines += statement("evaluations: ClassVar[dict[str, dict[str, float | str]]] = ", _nested(asked), 4)
    lines += ['    package = __package__ or ""']
    if model.externals:
        lines += statement("externals = ", _externals(model), 4)
    for name, text in strings.items():
        lines += statement(f"{name} = ", Text(string(text)), 4)
    return "\n".join(lines)


def _condition(tuned: Tuned) -> Code:
    """`Condition("eps", "acceptance", 0.1)`"""
    more: dict[str, Code | str] = {}
    if tuned.condition.type.shape:
        more["shape"] = shape_code(tuned.condition.type.shape)
    if tuned.of:
        more["of"] = string(tuned.of)
    return call("Condition", string(tuned.condition.name), string(tuned.how), Text(number_code(tuned.value)), **more)


def _moving(model: Model) -> list[Variable]:
    """What a chain moves and is given, in order, where that is more than the observed variables."""
    move = sampling_transition(model)
    if move is None or not hidden_state(model, move):
        return []
    names = {i.name for i in move.current}
    return [v for v in model.variables if v.name in names or v.role == "given"]


def _explored(model: Model) -> list[Code]:
    """What chains of a posterior read, in order: what they move, and what they are given."""
    move = exploring_transition(model)
    assert move is not None
    read, moved = {i.name for i in move.current}, {i.name for i in state_of(move)}
    own = [v for v in model.variables if v.name in read or v.role == "given"]
    return [field_code(v, given=v.name not in moved) for v in own]


def _nested(methods: Mapping[str, tuple[Option, ...]]) -> Code:
    """`{"importance": {"K": 500}}`"""
    listed = {
        name: ", ".join(f"{string(o.name)}: {_plain(o.value)}" for o in arguments)
        for name, arguments in methods.items()
    }
    return Sequence(tuple(Text(f"{string(name)}: {{{text}}}") for name, text in listed.items()), "{}")


def _plain(value: Real | str) -> str:
    if isinstance(value, str):
        return string(value)
    return repr(int(value)) if value == int(value) else repr(float(value))


def _row_function(
    function: str, program: Program, shared: ParameterLists, shapes: Mapping[str, tuple[int, ...]]
) -> Code:
    """`RowFunction(log_prob_rows, parameters=("W", "V"))`"""
    called = signature(program)
    parts = {"keywords": called.keywords, "parameters": called.parameters, "scalars": called.scalars}
    parts["modules"] = called.modules
    given: dict[str, Code | str] = {
        name: shared.code(texts) if name == "parameters" else strings(texts) for name, texts in parts.items() if texts
    }
    if "rows" in called.keywords and (width := row_width(program)):
        given["width"] = str(width)
    elif (tiles := row_tiles(program)) != TILES:
        given["tiles"] = repr(tiles)
    if (particles := most_particles(program)) > 1:
        given["particles"] = str(particles)
    axes = [shapes.get(each.name.rstrip("'"), each.type.shape) for each in program.outputs]
    if any(len(each) > 1 for each in axes):
        given["shapes"] = repr(tuple(axes))
    return call("RowFunction", function, **given)


def _shared_parameters(model: Model, plan: ClassPlan) -> ParameterLists:
    lists = [signature(program).parameters for program in plan.programs.values()]
    taken = (*_TAKEN, plan.class_name, *plan.functions.values())
    return parameter_lists(lists, {each.joint for each in model.conditionals}, taken)


def _externals(model: Model) -> Code:
    return strings(network_arguments(model))


def network_arguments(model: Model) -> tuple[str, ...]:
    """What the constructor calls the user's own networks."""
    names = Names(("self", "seed", *_TAKEN))
    return tuple(names.fresh(each.name) for each in model.externals)


def _constructor(model: Model, places: Callable[[Span], str]) -> str:
    if not model.parameters and not model.externals:
        return ""
    names = network_arguments(model)
    taken = [f"{name}: nn.Module" for name in names]
    lines = statement("", call("def __init__", "self", *taken, "seed: int = 0"), 4, " -> None:")
    lines += ["        super().__init__(seed)"]
    for name, each in zip(names, model.externals, strict=True):
        attached = call("self.attach", string(each.name), name, shape_code(each.result.shape))
        lines += statement("", attached, 8)
    for parameter in model.parameters:
        lines += statement("", _declaration(parameter, places(parameter.span)), 8)
    return "\n".join(lines)


def _declaration(parameter: Parameter, origin: str) -> Code:
    keywords: dict[str, Code | str] = {}
    if parameter.support.name != "Real":
        keywords["support"] = support_code(parameter.support)
    if len(parameter.shape) != len(parameter.storage_shape):
        keywords["rank"] = str(len(parameter.shape))
    if parameter.initial != "default":
        start = parameter.initial
        keywords["start"] = string(start) if isinstance(start, str) else number_code(start)
    return call(
        "self.declare", string(parameter.path), shape_code(parameter.storage_shape), origin=string(origin), **keywords
    )


def _method(method: Method) -> str:
    head = statement("", call(f"def {method.name}", "self", *method.arguments), 4, f" -> {method.returns}:")
    lines = [*head, f'        """{documentation(method.documentation, 8)}"""']
    if method.names and len(lines[-1]) > WIDTH and "\n" not in lines[-1]:
        raise ValueError(f"a docstring of {method.name} that does not fit a line")
    return "\n".join([*lines, *statement("return ", method.result, 8)])
