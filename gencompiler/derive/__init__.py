"""Stage 3: the Model IR in, what follows from it out: inverses, log-determinants, gradients, ratios, recurrences.

`derive` proposes from proven facts; `checks` verifies what it proposed and issues the verdicts.
"""
