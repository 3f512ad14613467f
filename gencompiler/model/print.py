"""The Model IR as stable text, for `genc dump` and goldens, and as JSON."""

from __future__ import annotations

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model import nodes


def expression(expr: nodes.Expr) -> str:
    """One expression on one line, fully parenthesised where operators nest."""
    match expr:
        case nodes.Literal(value=value):
            return str(value)
        case nodes.Constant(name=name) | nodes.Reference(name=name):
            return name
        case nodes.Table(values=values):
            return _table(expr.type.shape, values)
        case nodes.ParameterReference(path=path):
            return path
        case nodes.Apply():
            return _apply(expr)
        case nodes.Choose(condition=c, then=a, otherwise=b):
            return f"(if {expression(c)} then {expression(a)} else {expression(b)})"
        case nodes.Contract(left=left, right=right):
            return f"({expression(left)} @ {expression(right)})"
        case nodes.Reduce(operation=name, operand=operand) | nodes.MatrixFunction(function=name, operand=operand):
            return f"{name}({expression(operand)})"
        case nodes.Whole():
            return ":"
        case nodes.Before(index=index, inclusive=inclusive, after=after):
            return f"{'>' if after else '<'}{'=' if inclusive else ''}{expression(index)}"
        case nodes.Scan(indices=indices):
            return f"({', '.join(map(expression, indices))})"
        case nodes.Flat(base=base):  # what a scan order runs along is the same tensor
            return expression(base)
        case nodes.Element(base=base, subscripts=subscripts):
            return f"{expression(base)}[{', '.join(map(_subscript, subscripts))}]"
        case nodes.Scatter(base=base, order=order, before=before):
            view = f"{expression(order)}[{expression(before)}]"
            return f"indicator({view})" if base is None else f"scatter({expression(base)}[{view}], {view})"
        case nodes.Slice(base=base, start=start, stop=stop):
            return f"{expression(base)}[{start}..{stop}]"
        case nodes.Join(parts=parts):
            return f"join({', '.join(map(expression, parts))})"
        case nodes.Permute(base=base, order=order):
            reverse = order == tuple(reversed(range(len(order))))
            return f"reverse({expression(base)})" if reverse else f"permute({expression(base)}, {list(order)})"
        case nodes.Each(index=index, extent=extent, body=body):
            return f"(for {index} in {extent}: {expression(body)})"
        case nodes.Recur(index=index, extent=extent, name=name, body=body):
            return f"({name} where {{ {name}[{index}] = {expression(body)}, {index} in {extent} }})"
        case nodes.FixedPoint() | nodes.Solution() | nodes.JacobianLogDet():
            return _of_map(expr)
        case nodes.Let(bindings=bindings, body=body):
            listed = "; ".join(f"{b.name} = {expression(b.value)}" for b in bindings)
            return f"({expression(body)} where {{ {listed} }})"
        case nodes.Call(function=name, arguments=arguments) | nodes.ExternalOutput(external=name, arguments=arguments):
            return f"{name}({', '.join(map(expression, arguments))})"
        case nodes.Gradient(function=name, arguments=arguments):
            return f"grad({name})({', '.join(map(expression, arguments))})"
        case nodes.Root(name=name, body=body, target=target, near=near):
            known = f", which is {expression(near)}" if near is not None else ""
            return f"(the {name} with {expression(body)} = {expression(target)}{known})"
        case nodes.NetworkOutput(path=path, output=output, inputs=inputs):
            return f"{path}.{output}({', '.join(map(expression, inputs))})"
    return _probabilistic(expr)


def _probabilistic(expr: nodes.Expr) -> str:
    """What is about distributions, draws and values of variables, and about splines."""
    match expr:
        case nodes.MixtureDistribution(form=form, arguments=(weights,), index=index, extent=extent, component=inner):
            return f"Mixture({form}: {expression(weights)}, for {index} in {extent}: {expression(inner)})"
        case nodes.Distribution(family=family, form=form, arguments=arguments):
            named = f"{form}: " if form else ""
            return f"{family.removeprefix(nodes.USER)}({named}{', '.join(map(expression, arguments))})"
    return _of_laws(expr)


def _of_laws(expr: nodes.Expr) -> str:
    """What speaks of distributions, diffusions and other modules."""
    match expr:
        case nodes.LogDensity():
            return f"log {_density(expr)}"
        case nodes.FreeEnergy(joint=joint, targets=targets, stopped=stopped):
            return f"energy({f'stop({joint})' if stopped else joint})({_bindings(targets)})"
        case nodes.LogLaw(distribution=distribution, event=event):
            law = expression(distribution)
            return f"log {law.replace('(', f'({expression(event)} | ', 1)}"
        case nodes.Conditioned(joint=joint, target=target, given=given):
            bar = f" | {_bindings(given)}" if given else ""
            return f"{joint}({expression(target)}{bar})"
        case nodes.DensityGradient(density=density):
            return f"grad(log {density.joint}){_density(density).removeprefix(density.joint)}"
        case nodes.EachValue(variables=variables, count=count, body=body):
            return f"(for {', '.join(variables)} in {count} values: {expression(body)})"
        case nodes.Coefficient(quantity=quantity, sde=sde, time=time):
            return f"{quantity}({sde}, {expression(time)})"
        case nodes.Expectation(draws=draws, body=body):
            return f"E[{', '.join(map(_drawn, draws))}] {expression(body)}"
        case nodes.Pushed(base=base, stages=stages):
            return f"({expression(base)} |> {_stages(stages)})"
        case nodes.Cumulative(operand=operand):
            return f"cumsum({expression(operand)})"
        case nodes.Bin(value=value, knots=knots):
            return f"bin({expression(value)}, {expression(knots)})"
    raise TypeError(f"no text for {type(expr).__name__}")


def _subscript(expr: nodes.Expr) -> str:
    """`t - 1`, without the parentheses of an operator that nests."""
    text = expression(expr)
    return text[1:-1] if isinstance(expr, nodes.Apply) and text.startswith("(") else text


def _table(shape: tuple[int, ...], values: tuple[nodes.Real, ...]) -> str:
    if not shape:
        return str(values[0])
    size = len(values) // shape[0]
    rows = (values[k : k + size] for k in range(0, len(values), size))
    return f"[{', '.join(_table(shape[1:], row) for row in rows)}]"


def _of_map(expr: nodes.FixedPoint | nodes.Solution | nodes.JacobianLogDet) -> str:
    name, body = expr.name, expression(expr.body)
    if isinstance(expr, nodes.FixedPoint):
        return f"({name} where {{ {name} = {body} }})"
    if isinstance(expr, nodes.Solution):
        return f"(the {name} with {body} = {expression(expr.target)})"
    return f"(log|det d({body}) / d{name}| at {name} = {expression(expr.at)})"


def _density(density: nodes.LogDensity) -> str:
    joint = f"stop({density.joint})" if density.stopped else density.joint
    given = f" | {_bindings(density.given)}" if density.given else ""
    return f"{joint}({_bindings(density.targets)}{given})"


def _bindings(bindings: tuple[nodes.Binding, ...]) -> str:
    """`x, z = y`: a variable at its own value goes by its name alone."""
    own = [isinstance(b.value, nodes.Reference) and b.value.name == b.name for b in bindings]
    return ", ".join(
        b.name if same else f"{b.name} = {expression(b.value)}" for b, same in zip(bindings, own, strict=True)
    )


def _drawn(draw: nodes.Drawn) -> str:
    names = ", ".join(draw.names) + (f"[{draw.particles[0]} in {draw.particles[1]}]" if draw.particles else "")
    source = draw.source
    if isinstance(source, nodes.Data):
        return f"{names} ~ data"
    if isinstance(source, nodes.DistributionSource):
        return f"{names} ~ {expression(source.distribution)}"
    assert isinstance(source, nodes.JointSource)
    joint = f"{source.joint}^{source.power}" if source.power != 1 else source.joint
    given = f" | {_bindings(source.given)}" if source.given else ""
    if source.chains:
        return f"{names} ~ persistent({f'stop({joint})' if source.stopped else joint}, chains = {source.chains})"
    return f"{names} ~ {f'stop({joint})' if source.stopped else joint}({', '.join(draw.variables)}{given})"


def _apply(expr: nodes.Apply) -> str:
    operator = FUNCTIONS[expr.function].operator
    arguments = [expression(a) for a in expr.arguments]
    if operator is None:
        return f"{expr.function}({', '.join(arguments)})"
    return f"({operator}{arguments[0]})" if len(arguments) == 1 else f"({arguments[0]} {operator} {arguments[1]})"


def text(model: nodes.Model) -> str:
    """The whole model, a line for each part, in a fixed order."""
    lines = [f"model {model.name}"]
    lines += [f"  constant {name} = {value}" for name, value in model.constants]
    lines += [f"  {v.role} {v.name} : {v.type}" for v in model.variables]
    lines += [_parameter(p) for p in model.parameters]
    lines += [_start(s) for s in model.starts]
    lines += [_network(n) for n in model.networks]
    for function in model.functions:
        lines.append(f"  function {function.name}({_inputs(function.inputs)}) = {expression(function.body)}")
    for map_ in model.maps:
        lift = f" lifted over {list(map_.lift)}" if map_.lift else ""
        lines.append(f"  map {map_.name}({_inputs((map_.input,))}) -> {map_.result}{lift} = {expression(map_.body)}")
    for each in model.surjections:
        rest = f", rest {each.rest}" if each.rest else ""
        lines.append(f"  surjection {each.name} : {each.levels} levels over {list(each.shape)}{rest}")
    for density in (*model.densities, *model.user_densities):
        given = f" | {_inputs(density.conditions)}" if density.conditions else ""
        relation = "=" if density.normalized else "∝"
        head = f"{density.name}({_inputs(density.variables)}{given})"
        lines.append(f"  density {head} {relation} {expression(density.value)}")
    lines += [f"  length {each.name} <= {each.longest} of {', '.join(each.variables)}" for each in model.lengths]
    lines += [_conditional(c) for c in model.conditionals]
    lines += [f"  {e.joint}({', '.join(e.variables)}) ∝ {expression(e.value)}" for e in model.energies]
    lines += [f"  {link.target} = {expression(link.source)} |> {_stages(link.stages)}" for link in model.links]
    lines += [f"  {d.target} = {expression(d.value)}" for d in model.deterministic]
    lines += [f"  {expression(q.place)}{ranges(q.indices)} = {expression(q.value)}" for q in model.quantities]
    lines += [f"  extern {e.name}({_inputs(e.inputs)}) -> {e.result}" for e in model.externals]
    lines += [_sde(s) for s in model.sdes]
    lines += [f"  {t.joint}({t.variable}({t.time})) = {expression(t.distribution)}" for t in model.terminals]
    for transition in model.transitions:
        current = ", ".join([*(i.name for i in transition.current), *(_inputs((i,)) for i in transition.conditions)])
        lines.append(f"  transition {transition.name}({', '.join(transition.next)} | {current})")
        lines += [f"    {_step(s)}" for s in transition.steps]
    for training in model.trainings:
        lines.append(f"  train {training.objective.name}{_options(training.options)}")
        lines += [f"    {_phase(phase)}" for phase in training.objective.phases]
    lines += [f"  {m.verb} {m.name}{_options(m.arguments)}" for m in model.methods]
    lines += [f"  claim {c.fact.predicate}({', '.join(c.fact.arguments)})" for c in model.claims]
    lines += [
        f"  assume {a.fact.predicate}({', '.join(a.fact.arguments)}) because {a.reason!r}" for a in model.assumptions
    ]
    return "\n".join(lines) + "\n"


def _inputs(inputs: tuple[nodes.Input, ...]) -> str:
    return ", ".join(f"{i.name} : {i.type}" for i in inputs)


def _start(start: nodes.Start) -> str:
    drawn = [f"{m.name} = E[{m.passing} ~ data] {expression(m.body)}" for m in start.means]
    return f"  start {start.path} = {expression(start.value)} where {{ {'  '.join(drawn)} }}"


def _parameter(parameter: nodes.Parameter) -> str:
    parts = [f"{list(axes)}" for axes in (parameter.iterations, parameter.lift, parameter.shape)]
    axes_of = f"iterations {parts[0]} lift {parts[1]} shape {parts[2]}"
    return f"  param {parameter.path} : {parameter.support} {axes_of} = {parameter.initial}"


def _network(network: nodes.Network) -> str:
    outputs = ", ".join(f"{n}[{s}]" for n, s in zip(network.output_names or ("output",), network.outputs, strict=True))
    hidden = f" hidden {list(network.hidden)} {network.activation}" if network.hidden else ""
    views = f" causal over {network.places}: {', '.join(v or 'all' for v in network.views)}" if network.places else ""
    settings = "".join(f" {name} {value}" for name, value in network.settings)
    grid = f" on {' x '.join(map(str, network.grid))}" if network.grid else ""
    given = f"{list(network.inputs)}{settings}{hidden}"
    layers = "".join(f"\n    layer {_layer(layer)}" for layer in network.layers)
    return f"  network {network.path} : {network.kind} {given} -> {outputs}{views}{grid}{layers}"


def _layer(layer: nodes.Layer) -> str:
    """`a[4] = affine in h at -2, 0, given 0`"""
    boxes = [f"{s} from {list(first)} by {list(counts)} / {apart}" for s, first, counts, apart in layer.boxes]
    names = [f"{name} = {source}" for name, source in layer.names]
    given = [f"input {k}" for k in layer.given]
    formula = f" {layer.formula} where" if layer.formula else ""
    return f"{layer.name}[{layer.size}] {layer.kind}{formula} {', '.join((*boxes, *names, *given))}"


def _conditional(conditional: nodes.Conditional) -> str:
    head = ", ".join(map(expression, conditional.targets))
    given = f" | {', '.join(map(expression, conditional.given))}" if conditional.given else ""
    return f"  {conditional.joint}({head}{given}){ranges(conditional.indices)} = {expression(conditional.distribution)}"


def ranges(indices: tuple[nodes.Range, ...]) -> str:
    """How far the indices of an equation run."""
    return "".join(f" for {r.index} in {r.start}..{r.stop}" for r in indices)


def _sde(sde: nodes.Sde) -> str:
    product = " ∘ d" if sde.stratonovich else " * d"
    head = f"{sde.name}({_inputs(sde.states)} | {_inputs((sde.time,))})"
    equations = []
    for moved in sde.equations:
        noises = "".join(f" + {expression(n.coefficient)}{product}{n.name}" for n in moved.noises)
        equations.append(f"d{moved.state.name} = {expression(moved.drift)} * d{sde.time.name}{noises}")
    return f"  sde {head}: {', '.join(equations)}"


def _phase(phase: nodes.Phase) -> str:
    times = f"{phase.repeats} times " if phase.repeats != 1 else ""
    direction = "maximize" if phase.maximize else "minimize"
    ends = "" if phase.within is None else f" in Interval({', '.join(map(nodes.format_real, phase.within))})"
    return f"{phase.label}: {times}update {', '.join(phase.update)}{ends} {direction} {expression(phase.value)}"


def _stages(stages: tuple[nodes.Stage, ...]) -> str:
    found = []
    for stage in stages:
        if isinstance(stage, nodes.UseInverse):
            found.append(f"inverse({stage.map})")
        elif isinstance(stage, nodes.UseMap):
            found.append(stage.map)
        elif isinstance(stage, nodes.UseSurjection):
            found.append(stage.surjection)
        elif isinstance(stage, nodes.UseMany):
            found.append(f"{stage.definition}({_bindings(stage.given)})" if stage.given else stage.definition)
        elif isinstance(stage, nodes.UseOde):
            found.append(f"ode({stage.function})")
        elif isinstance(stage, nodes.Rearrange):
            found.append(f"{stage.name}({list(stage.before)} -> {list(stage.after)})")
        elif isinstance(stage, nodes.Parts):
            inner = (f"{p.count}: {_stages(p.stages) or 'kept'}" for p in stage.parts)
            found.append(f"parts {{ {', '.join(inner)} }}")
        elif isinstance(stage, nodes.Repeat):
            found.append(f"repeat({stage.count}) {{ {_stages(stage.stages)} }}")
    return " |> ".join(found)


def _step(step: nodes.Step) -> str:
    match step:
        case nodes.Draw(name=name, distribution=distribution, place=place):
            at = f"[{', '.join(map(expression, place))}]" if place else ""
            return f"{name}{at} ~ {expression(distribution)}"
        case nodes.Assign(name=name, value=value):
            return f"{name} = {expression(value)}"
        case nodes.Through(names=names, sources=sources, stages=stages):
            return f"{', '.join(names)} = ({', '.join(map(expression, sources))}) |> {_stages(stages)}"
        case nodes.Use(transition=name, given=given):
            return f"{name}({_bindings(given)})" if given else name
        case nodes.Series(steps=steps):
            return " |> ".join(map(_step, steps))
        case nodes.Iterate(index=index, count=count, step=inner):
            return f"repeat({f'{index} in ' if index else ''}{count}) {{ {_step(inner)} }}"
        case nodes.Mix(weights=weights, branches=branches):
            odds = ", ".join(map(expression, weights))
            return f"mixture([{odds}], {', '.join(map(_step, branches))})"
        case nodes.Orbit(names=names, sources=sources, forward=forward, turn=turn):
            start = ", ".join(map(expression, sources))
            reach = f"{expression(step.reach)} of {', '.join(step.ends)}"
            options = f"while = {reach}, doublings = {step.doublings}, target = {step.target}"
            return f"{', '.join(names)} = orbit(({start}), {_stages(forward)}, {_stages(turn)}, {options})"
    assert isinstance(step, nodes.Accept)
    to = ", ".join(map(expression, step.proposals))
    kernel = f"metropolis({to}" if step.probability is None else f"accept({to}, {expression(step.probability)}"
    return f"{', '.join(step.names)} = {kernel}, target = {step.target})"


def _options(options: tuple[nodes.Option, ...]) -> str:
    if not options:
        return ""
    return "(" + ", ".join(f"{o.name} = {o.value}{_options(o.options)}" for o in options) + ")"
