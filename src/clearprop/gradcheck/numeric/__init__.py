"""Numeric differentiation: scalar functions of named arrays, their finite differences, and the comparison with a gradient."""
