"""From lark's parse tree to the Surface: files, declarations and statements."""

from __future__ import annotations

import dataclasses

from lark import Token

from gencompiler.diagnostics.span import Span
from gencompiler.syntax import tree as t
from gencompiler.syntax.build_expression import OPERATORS, ExpressionBuilder, Value


class Builder(ExpressionBuilder):
    """Builds every node of the Surface; see `ExpressionBuilder` for how."""

    def _start(self, span: Span, *declarations: t.Declaration) -> t.File:
        whole = self._fixed_span or Span(self._source.name, 0, len(self._source.text))
        return t.File(declarations, span=whole)

    def _lone_expression(self, span: Span, value: t.Expr) -> t.Expr:
        return value

    # -- declarations ------------------------------------------------------------------------------------------------

    def _model(self, span: Span, name: t.Name, signature: t.Signature | None, *statements: t.Declaration) -> t.Model:
        return t.Model(name, signature, statements, span=span)

    def _documented(
        self, span: Span, doc: Token, declaration: t.Model | t.Definition | t.Objective
    ) -> t.Model | t.Definition | t.Objective:
        return dataclasses.replace(declaration, doc=self._text(doc))

    def _definition(
        self,
        span: Span,
        kind: str,
        name: t.Name,
        signature: t.Signature | None,
        result: t.TypeExpr | None,
        requires: t.Expr | None,
        relation: Token,
        body: t.Expr,
    ) -> t.Definition:
        return t.Definition(kind, name, signature, result, requires, OPERATORS[relation.type], body, span=span)

    def _block_definition(
        self,
        span: Span,
        kind: str,
        name: t.Name,
        signature: t.Signature | None,
        result: t.TypeExpr | None,
        requires: t.Expr | None,
        body: t.Block,
    ) -> t.Definition:
        return t.Definition(kind, name, signature, result, requires, None, body, span=span)

    def _extern_definition(
        self, span: Span, kind: Token, name: t.Name, signature: t.Signature, result: t.TypeExpr
    ) -> t.Definition:
        return t.Definition(str(kind), name, signature, result, None, None, None, extern=True, span=span)

    def _kind(self, span: Span, word: Token) -> str:
        return str(word)

    def _requires(self, span: Span, condition: t.Expr) -> t.Expr:
        return condition

    def _signature(self, span: Span, variables: Value, conditions: Value) -> t.Signature:
        return t.Signature(variables or (), conditions, span=span)

    def _parameters(self, span: Span, *parameters: t.ParameterDecl) -> tuple[t.ParameterDecl, ...]:
        return parameters

    def _parameter(self, span: Span, name: t.Name, type_: t.TypeExpr | None, default: t.Expr | None) -> t.ParameterDecl:
        return t.ParameterDecl(name, type_, default, span=span)

    # -- statements --------------------------------------------------------------------------------------------------

    def _variables(self, span: Span, role: Token, *groups: t.Group) -> t.Variables:
        return t.Variables(str(role), groups, span=span)

    def _group(self, span: Span, names: tuple[t.Name, ...], type_: t.TypeExpr, value: t.Expr | None) -> t.Group:
        return t.Group(names, type_, value, span=span)

    def _names(self, span: Span, *names: t.Name) -> tuple[t.Name, ...]:
        return names

    def _equation_statement(self, span: Span, equation: t.Equation) -> t.EquationStatement:
        return t.EquationStatement(equation, span=span)

    def _equation(
        self, span: Span, targets: tuple[t.Expr, ...], relation: Token, value: t.Expr, guard: t.Expr | None
    ) -> t.Equation:
        return t.Equation(targets, OPERATORS[relation.type], value, guard, span=span)

    def _targets(self, span: Span, *targets: t.Expr) -> tuple[t.Expr, ...]:
        return targets

    def _guard(self, span: Span, condition: t.Expr) -> t.Expr:
        return condition

    def _request(self, span: Span, verb: Token, value: t.Expr, options: t.Block | None) -> t.Request:
        return t.Request(str(verb), value, options, span=span)

    def _assume(self, span: Span, fact: t.Expr, reason: Token) -> t.Assume:
        return t.Assume(fact, str(reason[1:-1]), span=span)

    def _block(self, span: Span, *equations: t.Equation) -> t.Block:
        return t.Block(equations, span=span)

    # -- objectives --------------------------------------------------------------------------------------------------

    def _objective(self, span: Span, name: t.Name, signature: t.Signature | None, *phases: t.Phase) -> t.Objective:
        return t.Objective(name, signature, phases, span=span)

    def _update(
        self,
        span: Span,
        label: t.Name | None,
        groups: tuple[t.Name, ...],
        within: t.TypeExpr | None,
        direction: Token,
        value: t.Expr,
    ) -> t.Update:
        return t.Update(label, groups, within, str(direction), value, span=span)

    def _repeated(self, span: Span, label: t.Name | None, word: Token, call: Value, *phases: t.Phase) -> t.Repeated:
        return t.Repeated(label, self._repeat(word, call), phases, span=span)

    def _label(self, span: Span, name: t.Name) -> t.Name:
        return name
