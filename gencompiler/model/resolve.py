"""A file's one model, resolved: Surface in, Model IR out.

Statements are resolved one by one, and each reports on its own, so one mistake does not hide the next.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.model import (
    declared,
    default_paths,
    definitions,
    deterministic,
    equations,
    fields,
    groups,
    inner_densities,
    lengths,
    levels,
    library,
    nodes,
    objectives,
    placed_formulas,
    quantities,
    requests,
    scalars,
    sdes,
    starts,
    transitions,
    user_densities,
    views,
)
from gencompiler.model.builder import Abandon, Builder, Context
from gencompiler.model.constants import constant
from gencompiler.model.declared import contains
from gencompiler.model.determined import determined
from gencompiler.model.infer import Infer
from gencompiler.model.prelude import Prelude
from gencompiler.model.scope import check_names, nearest
from gencompiler.model.types import solved
from gencompiler.syntax import tree

StatementT = TypeVar("StatementT", bound=tree.Declaration)


def resolve(file: tree.File, defines: dict[str, nodes.Real], prelude: Prelude, reporter: Reporter) -> nodes.Model:
    """The resolved model of `file`; raises CompileError with every diagnostic when there is none."""
    check_names(file, prelude.names, reporter)
    if library.is_library(file):
        return library.resolve(file, defines, prelude, reporter)
    surface = default_paths.with_paths(_one_model(file, reporter), reporter)
    resolver = _Resolver(file, surface, defines, prelude, reporter)
    model = resolver.run()
    if not any(v.role == "observed" for v in model.variables):
        help_ = ("declare what the data are: `observed x : Real[D]`",)
        reporter.add("G303", "the model observes nothing", surface.name.span, "no observed variable", help=help_)
    model = lengths.checked(resolver.builder, model)
    views.check(model, reporter)
    starts.check(model, reporter)
    scalars.check(model, reporter)
    reporter.raise_errors()
    return model


def _one_model(file: tree.File, reporter: Reporter) -> tree.Model:
    models = [d for d in file.declarations if isinstance(d, tree.Model)]
    if len(models) != 1:
        where = models[1].name.span if models else file.span
        message = "a built file holds exactly one model, and this one holds " + (
            "none" if not models else f"{len(models)}"
        )
        also = tuple(Label(m.name.span, "a model") for m in models if m is not models[1]) if models else ()
        reporter.add("G303" if not models else "G102", message, where, also=also)
        reporter.raise_errors()
    return models[0]


def _top_docstring(file: tree.File) -> str:
    """The docstring at the top of the file, which titles a model without its own; "" where there is none."""
    first = file.declarations[0]
    return (first.doc or "") if isinstance(first, tree.Definition | tree.Objective) else ""


class _Resolver:
    def __init__(
        self, file: tree.File, surface: tree.Model, defines: dict[str, nodes.Real], prelude: Prelude, reporter: Reporter
    ) -> None:
        self.surface = surface
        self.doc = surface.doc or _top_docstring(file)
        self.reporter = reporter
        self.prelude = prelude
        local = {s.name.id: s for s in surface.statements if isinstance(s, tree.Definition)}
        top = {d.name.id: d for d in file.declarations if isinstance(d, tree.Definition)}
        self.builder = Builder(reporter, prelude.definitions.hidden_by({**top, **local}))
        self.builder.local_definitions = set(local)
        self.builder.cdfs = requests.claimed_cdfs(surface.statements)
        self.top = top
        self.builder.derived = {
            t.id
            for s in surface.statements
            if isinstance(s, tree.EquationStatement)
            for t in s.equation.targets
            if isinstance(t, tree.Name)
        }
        self.infer = Infer(self.builder)
        own = {o.name.id: o for o in (*file.declarations, *surface.statements) if isinstance(o, tree.Objective)}
        self.objectives = prelude.objectives.hidden_by(own)
        self.constants = self._header(defines)
        self.variables: dict[str, nodes.Variable] = {}
        self.lengths = lengths.Lengths(self.builder, surface, self.constants)
        self.context = Context(self.lengths.constants, self.lengths.names, {})
        self.builder.equations_of = self._equations_of
        self._declare_once(file)

    # -- header and declarations -------------------------------------------------------------------------------------

    def _header(self, defines: dict[str, nodes.Real]) -> dict[str, nodes.Real]:
        signature = self.surface.signature
        declarations = signature.variables if signature else ()
        unused = dict(defines)
        values: dict[str, nodes.Real] = {}
        for declaration in declarations:
            name = declaration.name.id
            if name in unused:
                values[name] = unused.pop(name)
            elif declaration.default is not None:
                found = constant(declaration.default, values, self.reporter)
                values[name] = Fraction(1) if found is None else found
            else:
                values[name] = lengths.left_open(declaration, self.reporter)
        for name in unused:
            self.reporter.add(
                "G107",
                f"the model has no constant called `{name}`",
                self.surface.name.span,
                "defined with `-D`",
                help=nearest(name, frozenset(values)),
            )
        return values

    def _declare_once(self, file: tree.File) -> None:
        seen: dict[str, tree.Name] = {}
        named: list[tree.Name] = []
        for statement in (*file.declarations, *self.surface.statements):
            if isinstance(statement, tree.Variables):
                named.extend(n for group in statement.groups for n in group.names)
            elif isinstance(statement, tree.Definition | tree.Objective | tree.Model):
                named.append(statement.name)
        signature = self.surface.signature
        named.extend(d.name for d in (signature.variables if signature else ()))
        for name in sorted(named, key=lambda n: n.span.start):
            if name.id in seen:
                self.reporter.add(
                    "G102",
                    f"`{name.id}` is declared twice",
                    name.span,
                    "declared again",
                    also=(Label(seen[name.id].span, "first declared here"),),
                )
            seen.setdefault(name.id, name)

    # -- the statements ----------------------------------------------------------------------------------------------

    def run(self) -> nodes.Model:
        for statement in self.surface.statements:
            if isinstance(statement, tree.Variables):
                self._each(self._variables, statement)
        starts.of_model(self.infer, self.context, self.surface, self.variables)
        self.variables |= self.lengths.variables  # after the others: what a batch of one tensor is comes first
        self.builder.variables |= self.lengths.variables.keys()
        self.context = dataclasses.replace(self.context, names=dict(self.context.names))
        parts = equations.Equations(self.infer, self.context, self.variables)
        moves: list[nodes.Transition] = []
        stated = [s.equation for s in self.surface.statements if isinstance(s, tree.EquationStatement)]
        found = levels.Levels(self.infer, self.context, self.variables, stated)
        parts.levels, parts.links = found.equations, found.links
        self._quantities(parts)
        for statement in self.surface.statements:
            if isinstance(statement, tree.EquationStatement):
                self._each(lambda s: parts.add(s.equation), statement)
            elif isinstance(statement, tree.Definition) and statement.kind == "sde":
                self._each(self._sde, statement)
        parts.finish()
        for fold in self.builder.folds:
            self.variables[fold.variable.name] = fold.variable
            parts.quantities.extend(fold.quantities)
        self.builder.stated = parts.conditionals
        self._kernels(parts, moves)
        for definition in self.top.values():
            if definition.kind == "density":
                self._each(lambda d: user_densities.unused(self.infer, d), definition)
        for statement in self.surface.statements:
            if isinstance(statement, tree.Definition) and statement.kind == "def":
                self._each(self._unused, statement)
        asked = requests.Requests(self.infer, self.context, self._objectives(parts), tuple(moves))
        for statement in self.surface.statements:
            if isinstance(statement, tree.Request | tree.Assume):
                self._each(asked.add, statement)
        if not self.reporter.has_errors:
            self.builder.close_networks()
        self.reporter.raise_errors()
        return self._model(parts, moves, asked)

    def _quantities(self, parts: equations.Equations) -> None:
        """Derived quantities, before what mentions them: those with indices between the others, which may need them."""
        stated = [s.equation for s in self.surface.statements if isinstance(s, tree.EquationStatement)]
        stated = placed_formulas.declare(self.builder, self.context, stated)
        indexed = quantities.Indexed(self.infer, self.context, self.variables, stated)
        indexed.declare()
        whole = deterministic.Quantities(self.infer, self.context, stated)
        whole.resolve(but=indexed.names)
        parts.quantities = indexed.resolve()
        whole.resolve()

    def _objectives(self, parts: equations.Equations) -> objectives.Objectives:
        """What resolves the objectives of `train` lines."""
        groups_ = [g for s in self.surface.statements if isinstance(s, tree.Variables) for g in s.groups]
        latent = {v.name for v in self.variables.values() if v.role == "latent"}
        piped = determined(parts.links, latent)
        return objectives.Objectives(
            self.infer,
            self.context,
            self.objectives,
            frozenset(s.name.id for s in self.surface.statements if isinstance(s, tree.Objective)),
            self.variables,
            frozenset(n.id for g in groups_ for n in g.names),
            self._joints(parts),
            piped | {d.target for d in parts.deterministic},
            tuple(parts.conditionals),
            tuple(parts.links),
        )

    def _joints(self, parts: equations.Equations) -> frozenset[str]:
        """The names of joints: what heads state, and `p` where something computes a variable."""
        stated = [s.equation.targets[0] for s in self.surface.statements if isinstance(s, tree.EquationStatement)]
        called = [t.function if isinstance(t, tree.Call) else t for t in stated]
        heads = [t.id for t in called if isinstance(t, tree.Name) and t.id not in self.variables]
        computed = bool(parts.links or parts.deterministic)
        return frozenset({*heads, *(["p"] if computed else [])} - self.builder.definitions.keys())

    def _each(self, resolve_one: Callable[[StatementT], None], statement: StatementT) -> None:
        """Resolve one statement; a failed one has reported, and the next goes on."""
        with contextlib.suppress(Abandon):
            resolve_one(statement)

    def _variables(self, statement: tree.Variables) -> None:
        """Each group reports on its own; what mentions a refused name says nothing new."""
        self.builder.refused |= {n.id for group in statement.groups for n in group.names}
        declare = self._parameters if statement.role == "param" else functools.partial(self._group, statement.role)
        for group in statement.groups:
            try:
                declare(group)
            except Abandon:
                continue
            self.builder.refused -= {n.id for n in group.names}

    def _parameters(self, group: tree.Group) -> None:
        type_ = declared.declared_type(self.builder, group.type, self.constants)
        declared.fits(self.builder, type_.support, group.type)
        for name in group.names:
            initial = self._initial(group, type_.support)
            parameter = nodes.Parameter(name.id, type_.support, (), (), type_.shape, initial, span=name.span)
            self.builder.fresh(name.id)
            self.context.names[name.id] = self.builder.add_parameter(parameter)
            if starts.from_data(group.value):
                self.builder.from_data.add(name.id)

    def _group(self, role: str, group: tree.Group) -> None:
        type_ = declared.declared_type(self.builder, group.type, self.constants)
        declared.holds(self.builder, type_, group.type)
        if group.value is not None:
            self.builder.report("G203", f"`{role}` variables have no initial value", group.value.span, "not here")
        for name in group.names:
            self.variables[name.id] = nodes.Variable(name.id, role, type_, span=name.span)
            self.lengths.declare(self.variables[name.id], group.type)
            self.builder.variables.add(name.id)
            if role == "latent":
                self.builder.latents.add(name.id)
            self.context.names[name.id] = nodes.Reference(type_, name.id, span=name.span)

    def _initial(self, group: tree.Group, support: nodes.Support) -> str | Fraction:
        if group.value is None or starts.from_data(group.value):
            return "default"
        if isinstance(group.value, tree.Call):
            return self._random_initial(group.value, support)
        value = constant(group.value, self.constants, self.reporter)
        if not isinstance(value, Fraction) or not contains(support, value):
            if value is not None:
                message = f"a parameter in {support} cannot start at {value}"
                self.builder.report("G203", message, group.value.span, f"not in {support}")
            return "default"
        return value

    def _random_initial(self, call: tree.Call, support: nodes.Support) -> str:
        """`Normal(0, 0.01)` or `Uniform(-1, 1)`, each element drawn on its own."""
        name = call.function.id if isinstance(call.function, tree.Name) else ""
        if name not in ("Normal", "Uniform") or call.conditions is not None or len(call.arguments) != 2:
            self.builder.unsupported("a start from this distribution", call.span, "write `Normal(0, 0.01)`")
        first, second = (
            constant(a.value, self.constants, self.reporter) for a in call.arguments if a.value is not None
        )
        if not isinstance(first, Fraction) or not isinstance(second, Fraction):
            raise Abandon
        fits = second > 0 if name == "Normal" else first < second
        inside = name == "Uniform" and contains(support, first) and contains(support, second)
        if not fits or not (support.name == "Real" or inside):
            message = f"a parameter in {support} cannot start at {name}({first}, {second})"
            self.builder.report("G203", message, call.span, f"not in {support}")
        return f"{name}({float(first)!r}, {float(second)!r})"

    def _sde(self, definition: tree.Definition) -> None:
        if definition.name.id not in self.builder.sdes:
            name = self.builder.fresh(definition.name.id)
            self.builder.sdes[name] = sdes.resolve(self.infer, self.context, definition, self.variables)

    def _equations_of(self, name: str) -> nodes.Sde | None:
        """The SDE of this name, where an equation above it asks for it; None where there is none."""
        definition = self.builder.definitions.get(name)
        if definition is None or definition.kind != "sde":
            return None
        self._sde(definition)
        return self.builder.sdes[name]

    def _kernels(self, parts: equations.Equations, moves: list[nodes.Transition]) -> None:
        """Densities of the model, then transitions, which may draw from them, then what is composed of those."""
        joints = self._joints(parts)
        local = [s for s in self.surface.statements if isinstance(s, tree.Definition)]
        for definition in (d for d in local if d.kind == "density"):
            self._each(lambda d: self._density(d, joints), definition)
        known = self.builder.transitions

        def moved(definition: tree.Definition) -> None:
            self.builder.fresh(definition.name.id)
            own = (self.infer, self.context, definition, self.variables, joints)
            composed = not isinstance(definition.body, tree.Block)
            known[definition.name.id] = transitions.compose(*own, known) if composed else transitions.resolve(*own)

        of = [d for d in local if d.kind == "transition"]
        for definition in sorted(of, key=lambda d: not isinstance(d.body, tree.Block)):
            self._each(moved, definition)
        moves.extend(known[d.name.id] for d in of if d.name.id in known)

    def _density(self, definition: tree.Definition, joints: frozenset[str]) -> None:
        found = inner_densities.resolve(self.infer, self.context, definition, self.variables, joints)
        self.builder.densities[found.name] = found

    def _unused(self, definition: tree.Definition) -> None:
        """A function that nothing uses is resolved at its declared types too, so that its mistakes show."""
        if definition.name.id in self.builder.inlined:
            return
        variables = definition.signature.variables if definition.signature else ()
        types = [declared.declared_type(self.builder, v.type, self.constants) for v in variables if v.type is not None]
        if len(types) == len(variables) and definition.body is not None:
            given = tuple(nodes.Reference(t, v.name.id, span=v.span) for t, v in zip(types, variables, strict=True))
            definitions.instantiate(self.infer, self.context, definition, given, definition.name)

    def _model(
        self, parts: equations.Equations, moves: list[nodes.Transition], asked: requests.Requests
    ) -> nodes.Model:
        builder = self.builder
        model = nodes.Model(
            name=self.surface.name.id,
            doc=self.doc,
            constants=tuple(self.constants.items()),
            variables=tuple(self.variables.values()),
            parameters=tuple(builder.parameters.values()),
            networks=tuple(p.network for p in builder.networks.values()),
            functions=tuple(builder.functions.values()),
            densities=tuple(builder.densities.values()),
            maps=tuple(builder.maps.values()),
            surjections=tuple(builder.surjections.values()),
            conditionals=tuple(parts.conditionals),
            energies=tuple(parts.energies),
            links=tuple(parts.links),
            deterministic=tuple(parts.deterministic),
            externals=tuple(builder.externals.values()),
            sdes=tuple(builder.sdes.values()),
            terminals=tuple(parts.terminals),
            transitions=tuple(moves),
            trainings=tuple(asked.trainings),
            methods=tuple(asked.methods),
            claims=(*asked.claims, *parts.claims),
            assumptions=tuple(asked.assumptions),
            user_densities=tuple(builder.user_densities),
            quantities=tuple(parts.quantities),
            lengths=self.lengths.found(),
            starts=tuple(builder.starts),
            span=self.surface.span,
        )
        return groups.with_parameters(fields.closed(builder, solved(model)), builder.instances())
