"""Names, over the whole language: every name of a file means something, or is reported with the nearest that would.

This pass covers every construct, also those that the later passes do not support yet, so that a misspelling is
reported as one whatever else a spec contains.
"""

from __future__ import annotations

import difflib

from gencompiler.catalog import distributions, functions, networks, supports, words
from gencompiler.diagnostics.model import Reporter
from gencompiler.node import Node, children, walk
from gencompiler.syntax import tree

#: Names that any expression may mention.
WORDS: frozenset[str] = frozenset(
    (
        *functions.FUNCTIONS,
        *functions.REDUCTIONS,
        *functions.CONSTANTS,
        *distributions.DISTRIBUTIONS,
        *distributions.COMPOSED,
        *distributions.PLANNED,
        *networks.NETWORKS,
        *networks.FEATURES,
        *networks.PLANNED,
        *networks.ACTIVATIONS,
        *words.STRUCTURE,
        *words.MATRICES,
        *words.WRAPPERS,
        *words.KERNELS,
        *words.STAGES,
        *words.PLANNED,
        *words.CONTEXTUAL,
        "log",
    )
)


#: Types of other languages, and what they are here.
TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("int", "integer", "long", "nat"), ("whole numbers are `Integer(a..b)`, `Category(K)` or `Count`",)
    ),
    **dict.fromkeys(("float", "double", "number", "scalar", "float32", "float64"), ("write `Real`",)),
    **dict.fromkeys(("bool", "boolean", "bit"), ("write `Binary`",)),
    **dict.fromkeys(
        ("vector", "tensor", "array", "matrix"), ("shapes follow the set of values: `Real[D]`, `Real[N, M]`",)
    ),
}


#: Names of other libraries, and what is written here.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("MultivariateNormal", "MultivariateNormalDiag", "DiagonalNormal", "MVN", "I", "eye"),
        ("`Normal(mean, scale)` describes every element: `Normal(0, 1)` of a vector; `L @ u + m` correlates them",),
    ),
    **dict.fromkeys(("Gaussian", "N"), ("write `Normal(mean, scale)`",)),
    **dict.fromkeys(("OneHotCategorical", "Multinoulli", "Discrete"), ("write `Categorical(logits = …)`",)),
    **dict.fromkeys(("concat", "concatenate", "cat", "stack"), ("`join(a, b)` puts tensors side by side",)),
    **dict.fromkeys(("chunk", "split_half"), ("`a, b = split(u)` in a `where` gives the halves",)),
    **dict.fromkeys(("matmul", "dot", "einsum"), ("`A @ x` contracts the last axis with the first",)),
    **dict.fromkeys(("Linear", "Dense", "FC"), ("`linear(a)` is an affine layer, `mlp(a, hidden = [H, H])` several",)),
    **dict.fromkeys(("ReLU", "LeakyReLU", "SiLU", "GELU"), ("write `relu(a)`, or an option: `activation = silu`",)),
    **dict.fromkeys(("std", "var"), ("write it out: `sqrt(mean((x - mean(x))^2))`",)),
    "clamp": ("`min(max(a, lower), upper)`",),
}


def nearest(name: str, candidates: set[str] | frozenset[str]) -> tuple[str, ...]:
    """The help line for a misspelt name, if something known is close to it."""
    close = difflib.get_close_matches(name, sorted(candidates), n=2, cutoff=0.6)
    return (f"did you mean {' or '.join(f'`{c}`' for c in close)}?",) if close else ()


def check_names(file: tree.File, prelude_names: frozenset[str], reporter: Reporter) -> None:
    """Report every name of `file` that nothing declares."""
    top = {d.name.id for d in file.declarations if isinstance(d, tree.Definition | tree.Objective | tree.Model)}
    checker = _Names(reporter)
    known = WORDS | prelude_names | top
    for declaration in file.declarations:
        if isinstance(declaration, tree.Model):
            checker.model(declaration, known)
        elif isinstance(declaration, tree.Definition):
            checker.definition(declaration, known, generic=True)
        elif isinstance(declaration, tree.Objective):
            checker.objective(declaration, known)


class _Names:
    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    # -- declarations ------------------------------------------------------------------------------------------------

    def model(self, model: tree.Model, known: frozenset[str]) -> None:
        header = _signature_names(model.signature)
        declared: set[str] = set(header)
        for statement in model.statements:
            declared |= _declared(statement)
        known |= declared
        for default in (p.default for p in _parameters(model.signature) if p.default is not None):
            self.visit(default, known)
        for statement in model.statements:
            self.statement(statement, known)

    def statement(self, statement: tree.Declaration, known: frozenset[str]) -> None:
        if isinstance(statement, tree.Variables):
            for group in statement.groups:
                self.type(group.type, known)
                if group.value is not None:
                    self.visit(group.value, known)
        elif isinstance(statement, tree.EquationStatement):
            self.equation(statement.equation, known)
        elif isinstance(statement, tree.Definition):
            self.definition(statement, known, generic=False)
        elif isinstance(statement, tree.Objective):
            self.objective(statement, known)

    def definition(self, definition: tree.Definition, known: frozenset[str], *, generic: bool) -> None:
        """In a top-level definition the sizes of its types are names of their own (`Real[D]`)."""
        names = _signature_names(definition.signature)
        if definition.kind == "sde" and definition.signature is not None:
            names |= {f"d{clock.name.id}" for clock in definition.signature.conditions or ()}
        types = [p.type for p in _parameters(definition.signature) if p.type is not None]
        if generic:
            names |= {n for type_ in (*types, definition.result) for n in _type_names(type_)}
        inside = known | names
        for type_ in (*types, definition.result):
            if type_ is not None:
                self.type(type_, inside)
        for value in (*(p.default for p in _parameters(definition.signature)), definition.requires):
            if value is not None:
                self.visit(value, inside)
        if isinstance(definition.body, tree.Block):
            self.block(definition.body, inside)
        elif definition.body is not None:
            self.visit(definition.body, inside)

    def objective(self, objective: tree.Objective, known: frozenset[str]) -> None:
        inside = known | _signature_names(objective.signature) | {"p", "q", "x", "z", "data"}
        for phase in objective.phases:
            self.phase(phase, inside)

    def phase(self, phase: tree.Phase, known: frozenset[str]) -> None:
        if isinstance(phase, tree.Update):
            for group in phase.groups:
                self.name(group, known)
            if phase.within is not None:
                self.type(phase.within, known)
            self.visit(phase.value, known)
        elif isinstance(phase, tree.Repeated):
            for inner in phase.phases:
                self.phase(inner, known)

    def block(self, block: tree.Block, known: frozenset[str]) -> None:
        inside = known | {n for item in block.items for n in _targets(item)}
        for item in block.items:
            self.equation(item, inside)

    def equation(self, equation: tree.Equation, known: frozenset[str]) -> None:
        inside = known | {n for target in equation.targets for n in _head_names(target)}
        self.visit(equation.value, inside)
        if equation.guard is not None:
            self.visit(equation.guard, inside)

    def type(self, type_: tree.TypeExpr, known: frozenset[str]) -> None:
        if isinstance(type_, tree.SupportType):
            if type_.name.id not in supports.SUPPORTS:
                found = f"there is no type `{type_.name.id}`"
                self.reporter.add(
                    "G106",
                    found,
                    type_.name.span,
                    "unknown type",
                    help=TYPES.get(type_.name.id.lower()) or nearest(type_.name.id, frozenset(supports.SUPPORTS)),
                )
            for part in (*type_.arguments, *type_.shape):
                self.visit(part, known)
        elif isinstance(type_, tree.TupleType):
            for item in type_.items:
                self.type(item, known)
        elif isinstance(type_, tree.FunctionType):
            self.type(type_.domain, known)
            self.type(type_.codomain, known)

    # -- expressions -------------------------------------------------------------------------------------------------

    def visit(self, node: Node, known: frozenset[str]) -> None:
        match node:
            case tree.Name():
                self.name(node, known)
            case tree.Each(bindings=bindings, body=body):
                self.visit(body, self.bindings(bindings, known))
            case tree.Where(body=body, block=block):
                names = known | {n for item in block.items for n in _targets(item)}
                self.visit(body, names)
                self.block(block, known | _binders(body))
            case tree.Expect(draws=draws, body=body):
                inside = known
                for draw in draws:
                    inside |= set(_targets(draw)) | {n for t in draw.targets for n in _head_names(t)}
                    self.visit(draw.value, inside)
                self.visit(body, inside)
            case tree.Argument(name=tree.Name(id=label)) if label in words.WORD_ARGUMENTS:
                pass  # the callee knows the words
            case tree.Argument(name=label, value=value, binding=binding):
                if binding is not None:
                    self.bindings((binding,), known)
                elif value is not None:
                    self.visit(value, known)
                del label  # a keyword of the callee, which checks it
            case tree.Wrap(head=head, body=body):
                self.visit(body, self.wrapped(head, known))
            case _:
                inside = known | {
                    a.binding.name.id for a in getattr(node, "arguments", ()) if getattr(a, "binding", None) is not None
                }
                for child in children(node):
                    self.visit(child, inside)

    def bindings(self, bindings: tuple[tree.Binding, ...], known: frozenset[str]) -> frozenset[str]:
        for binding in bindings:
            if binding.range is not None:
                self.visit(binding.range, known)
            known |= {binding.name.id}
        return known

    def wrapped(self, head: tree.Expr, known: frozenset[str]) -> frozenset[str]:
        """`repeat(l in L) { … }` binds `l` in its braces."""
        self.visit(head, known)
        if isinstance(head, tree.Call):
            known |= {a.binding.name.id for a in head.arguments if a.binding is not None}
        return known

    def name(self, name: tree.Name, known: frozenset[str]) -> None:
        if name.id not in known:
            help_ = ELSEWHERE.get(name.id) or nearest(name.id, known)
            self.reporter.add("G101", f"nothing is called `{name.id}` here", name.span, "unknown name", help=help_)


def _parameters(signature: tree.Signature | None) -> tuple[tree.ParameterDecl, ...]:
    return () if signature is None else (*signature.variables, *(signature.conditions or ()))


def _signature_names(signature: tree.Signature | None) -> set[str]:
    return {p.name.id for p in _parameters(signature)}


def _type_names(type_: tree.TypeExpr | None) -> set[str]:
    """Names mentioned in the sizes and bounds of a type."""
    if type_ is None:
        return set()
    found: set[str] = set()
    stack: list[Node] = [type_]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.SupportType):
            stack.extend((*node.arguments, *node.shape))
        elif isinstance(node, tree.Name):
            found.add(node.id)
        else:
            stack.extend(children(node))
    return found


def _declared(statement: tree.Declaration) -> set[str]:
    if isinstance(statement, tree.Variables):
        names = {n.id for group in statement.groups for n in group.names}
        return names | {f"{n}'" for n in names} if statement.role in ("observed", "latent") else names
    if isinstance(statement, tree.Definition | tree.Objective):
        return {statement.name.id}
    if isinstance(statement, tree.EquationStatement):
        return set(_targets(statement.equation))
    return set()


def _targets(equation: tree.Equation) -> list[str]:
    """The names an equation gives a meaning to: `a, b = …`, `f[k] = …`, the joint of `p(x) = …`."""
    names = []
    for target in equation.targets:
        base: tree.Expr = target
        while isinstance(base, tree.Index | tree.Call):
            base = base.base if isinstance(base, tree.Index) else base.function
        if isinstance(base, tree.Name):
            names.append(base.id)
    return names


def _binders(expr: tree.Expr) -> set[str]:
    """What the binders of `expr` bind: a `where` is placed at its use, and sees them."""
    found: set[str] = set()
    for node in walk(expr):
        if isinstance(node, tree.Binding):
            found.add(node.name.id)
        elif isinstance(node, tree.Expect):
            for draw in node.draws:
                found |= set(_targets(draw)) | {n for t in draw.targets for n in _head_names(t)}
    return found


def _head_names(target: tree.Expr) -> set[str]:
    """Indices that a head introduces: `i` of `p(x[i] | x[<i])`, `k` of `f[k]` or of `z[k in K]`."""
    found: set[str] = set()

    def collect(node: Node) -> None:
        if isinstance(node, tree.Name):
            found.add(node.id)
        for child in children(node):
            collect(child)

    stack: list[Node] = [target]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Index):
            for subscript in node.subscripts:
                collect(subscript)
        stack.extend(children(node))
    return found
