"""Facts, no passes: distributions, functions, networks, supports.

The catalogue imports nothing of the compiler.  Formulas are texts in the `.gen` expression language; `model.formula`
reads them.  To add a function, a distribution or a network, write one row (and the tests find it by themselves).
"""
