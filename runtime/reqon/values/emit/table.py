"""Which function emits which kind of node: one line for each class of the tree."""

from __future__ import annotations

from reqon.errors import RunError
from reqon.values.emit import calls, operands, operators, patterns
from reqon.values.emit.code import Code, Emitter, Table
from vague.ast.base import Node
from vague.ast.expressions import (
    AnyOf,
    ArrayLiteral,
    Binary,
    BooleanLiteral,
    Call,
    Conditional,
    ContextField,
    DurationLiteral,
    ErrorExpression,
    FieldAccess,
    Group,
    IfExpression,
    IndexAccess,
    IsTest,
    Lambda,
    LastSync,
    MatchExpression,
    MethodCall,
    Name,
    NullLiteral,
    NumberLiteral,
    ObjectLiteral,
    Pipe,
    Quantity,
    StringLiteral,
    Unary,
    Where,
    Wildcard,
)


def _refused(emitter: Emitter, node: Node) -> Code:
    del emitter, node
    raise RunError("type", "the expression has errors and cannot be evaluated")


TABLE: Table = {
    NullLiteral: operands.emit_literal,
    BooleanLiteral: operands.emit_literal,
    NumberLiteral: operands.emit_literal,
    StringLiteral: operands.emit_literal,
    DurationLiteral: operands.emit_duration,
    Quantity: operands.emit_quantity,
    LastSync: operands.emit_last_sync,
    Name: operands.emit_name,
    ContextField: operands.emit_context_field,
    FieldAccess: operands.emit_field,
    IndexAccess: operands.emit_index,
    ArrayLiteral: operands.emit_array,
    ObjectLiteral: operands.emit_object,
    Group: operands.emit_group,
    Conditional: operands.emit_conditional,
    IfExpression: operands.emit_conditional,
    Where: operands.emit_where,
    AnyOf: operands.emit_any_of,
    Unary: operators.emit_unary,
    Binary: operators.emit_binary,
    IsTest: operators.emit_is,
    MatchExpression: patterns.emit_match,
    Call: calls.emit_call,
    MethodCall: calls.emit_method,
    Pipe: calls.emit_pipe,
    Lambda: calls.emit_lambda,
    Wildcard: _refused,
    ErrorExpression: _refused,
}
