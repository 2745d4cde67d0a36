"""Liquid for business users: render, evaluate with types kept, and read which data a text uses."""

from automations.expressions.analysis import Finding, Path, bare_conditions, check, paths
from automations.expressions.errors import BadExpression, ExpressionError, VariableMissing, explain
from automations.expressions.filters import FILTERS
from automations.expressions.rendering import evaluate, render, render_required

__all__ = [
    "FILTERS",
    "BadExpression",
    "ExpressionError",
    "Finding",
    "Path",
    "VariableMissing",
    "bare_conditions",
    "check",
    "evaluate",
    "explain",
    "paths",
    "render",
    "render_required",
]
