"""The registry of diagnostic codes: what each is called, how bad it is, and the exit status it leads to.

One row per code.  A code keeps its meaning for ever; a retired code is not used again.  `explain/G###.md` says more
about each, with a spec that fails and one that passes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from gencompiler.diagnostics.model import Diagnostic, Severity

#: Exit statuses that a diagnostic can lead to (0 is success; 2, 4, 70 and 130 belong to the command line).
USER_ERROR = 1
UNSUPPORTED = 3
RUN_FAILED = 5


@dataclasses.dataclass(frozen=True)
class Code:
    """One kind of finding."""

    code: str
    title: str
    severity: Severity
    exit_status: int


_TABLE: tuple[tuple[str, Severity, int, str], ...] = (
    # -- G0xx: text and syntax ---------------------------------------------------------------------------------------
    ("G001", Severity.ERROR, USER_ERROR, "a character that the language does not use"),
    ("G002", Severity.ERROR, USER_ERROR, "a string or docstring that never ends"),
    ("G003", Severity.ERROR, USER_ERROR, "a malformed number"),
    ("G004", Severity.ERROR, USER_ERROR, "unbalanced brackets"),
    ("G005", Severity.ERROR, USER_ERROR, "something is missing"),
    ("G006", Severity.ERROR, USER_ERROR, "two expressions side by side"),
    ("G007", Severity.ERROR, USER_ERROR, "a misspelt keyword"),
    ("G008", Severity.ERROR, USER_ERROR, "a keyword used as a name"),
    ("G009", Severity.ERROR, USER_ERROR, "text that does not belong here"),
    ("G010", Severity.ERROR, USER_ERROR, "a statement in the wrong place"),
    ("G011", Severity.ERROR, USER_ERROR, "an open form that readers split on"),
    ("G012", Severity.ERROR, USER_ERROR, "an expression that reads two ways"),
    ("G013", Severity.ERROR, USER_ERROR, "a docstring that documents nothing"),
    ("G014", Severity.ERROR, USER_ERROR, "`E[` is an expectation, not a subscript"),
    ("G015", Severity.ERROR, USER_ERROR, "a name that is not in normal form"),
    ("G016", Severity.ERROR, USER_ERROR, "notation from another language"),
    # -- G1xx: names and resolution ----------------------------------------------------------------------------------
    ("G101", Severity.ERROR, USER_ERROR, "an unknown name"),
    ("G102", Severity.ERROR, USER_ERROR, "a name declared twice"),
    ("G103", Severity.ERROR, USER_ERROR, "not a function, distribution or map"),
    ("G104", Severity.ERROR, USER_ERROR, "wrong arguments"),
    ("G105", Severity.ERROR, USER_ERROR, "a name mentioned that the head does not list"),
    ("G106", Severity.ERROR, USER_ERROR, "an unknown type"),
    ("G107", Severity.ERROR, USER_ERROR, "an unknown option"),
    ("G108", Severity.ERROR, USER_ERROR, "a definition that uses itself"),
    # -- G2xx: types, shapes, supports -------------------------------------------------------------------------------
    ("G201", Severity.ERROR, USER_ERROR, "shapes that do not fit"),
    ("G202", Severity.ERROR, USER_ERROR, "a size that nothing determines"),
    ("G203", Severity.ERROR, USER_ERROR, "a value of the wrong kind or support"),
    ("G204", Severity.ERROR, USER_ERROR, "an index out of range"),
    ("G205", Severity.ERROR, USER_ERROR, "a subscript that means nothing here"),
    ("G206", Severity.ERROR, USER_ERROR, "a constant is needed, or is out of range"),
    ("G207", Severity.ERROR, USER_ERROR, "an initial value that data may not give"),
    ("G208", Severity.WARNING, USER_ERROR, "a run-time length without a longest"),
    # -- G3xx: factorization -----------------------------------------------------------------------------------------
    ("G301", Severity.ERROR, USER_ERROR, "a cycle of conditionals"),
    ("G302", Severity.ERROR, USER_ERROR, "an element produced twice"),
    ("G303", Severity.ERROR, USER_ERROR, "an element never produced"),
    ("G304", Severity.ERROR, USER_ERROR, "a head and its body disagree"),
    ("G305", Severity.ERROR, USER_ERROR, "a conditional that is not causal"),
    ("G306", Severity.WARNING, USER_ERROR, "a network that does not see all of its view"),
    # -- G4xx: invertibility -----------------------------------------------------------------------------------------
    ("G401", Severity.ERROR, USER_ERROR, "a map that is not injective"),
    ("G402", Severity.ERROR, USER_ERROR, "a scale that may vanish"),
    ("G403", Severity.ERROR, USER_ERROR, "a range that is not the next domain"),
    ("G404", Severity.ERROR, USER_ERROR, "a dimension that is never transformed"),
    ("G405", Severity.WARNING, USER_ERROR, "a dimension that is only ever shifted"),
    ("G406", Severity.ERROR, USER_ERROR, "an inverse that cannot be derived"),
    ("G407", Severity.ERROR, USER_ERROR, "dimensions that do not add up"),
    ("G408", Severity.ERROR, USER_ERROR, "invertibility that is not known"),
    ("G409", Severity.ERROR, USER_ERROR, "an inverse that leaves out a dependence"),
    ("G410", Severity.ERROR, USER_ERROR, "a requirement of a map that its use does not fulfil"),
    ("G411", Severity.WARNING, USER_ERROR, "a map that training runs entry by entry"),
    ("G412", Severity.ERROR, USER_ERROR, "a map of the circle that does not go around once"),
    ("G413", Severity.WARNING, USER_ERROR, "a network that sees an angle as a plain number"),
    # -- G5xx: normalization and admissibility -----------------------------------------------------------------------
    ("G501", Severity.ERROR, USER_ERROR, "a distribution parameter that may be inadmissible"),
    ("G502", Severity.ERROR, USER_ERROR, "a density on the wrong support"),
    ("G503", Severity.ERROR, USER_ERROR, "a density whose mass is not one"),
    # -- G6xx: transitions and chains --------------------------------------------------------------------------------
    ("G601", Severity.ERROR, USER_ERROR, "stationarity that is refuted or not proven"),
    ("G602", Severity.ERROR, USER_ERROR, "a proposal without a ratio"),
    ("G603", Severity.ERROR, USER_ERROR, "a transition whose target is undefined"),
    ("G604", Severity.ERROR, USER_ERROR, "a malformed transition"),
    ("G605", Severity.ERROR, USER_ERROR, "a malformed stochastic differential equation"),
    ("G606", Severity.ERROR, USER_ERROR, "a statement about an SDE that is refuted or not proven"),
    ("G607", Severity.ERROR, USER_ERROR, "a terminal law far from the stated prior"),
    ("G608", Severity.ERROR, USER_ERROR, "a kernel without a density where one is needed"),
    ("G610", Severity.ERROR, USER_ERROR, "an ODE that may not have one solution"),
    ("G609", Severity.ERROR, USER_ERROR, "a solver that reads noise in another calculus"),
    ("G620", Severity.ERROR, USER_ERROR, "a mixture of transitions whose weights depend on the state"),
    ("G621", Severity.ERROR, USER_ERROR, "a deterministic proposal that is no involution"),
    ("G622", Severity.ERROR, USER_ERROR, "ergodicity that is refuted or not proven"),
    ("G623", Severity.ERROR, USER_ERROR, "a conditional of an energy that cannot be derived"),
    ("G624", Severity.ERROR, USER_ERROR, "an annealing path whose mass at its start is not known"),
    ("G625", Severity.ERROR, USER_ERROR, "an annealing path that does not end at the target"),
    ("G626", Severity.ERROR, USER_ERROR, "an upper bound without exact draws of the target"),
    ("G627", Severity.ERROR, USER_ERROR, "draws of a chain whose transition still adapts"),
    # -- G7xx: objectives, requests, capabilities --------------------------------------------------------------------
    ("G701", Severity.ERROR, USER_ERROR, "an objective that needs what the model lacks"),
    ("G702", Severity.ERROR, USER_ERROR, "an unknown objective"),
    ("G703", Severity.ERROR, USER_ERROR, "a request that the model cannot answer"),
    ("G704", Severity.ERROR, USER_ERROR, "a malformed objective"),
    ("G705", Severity.ERROR, USER_ERROR, "a gradient that does not pass through a draw"),
    ("G706", Severity.ERROR, USER_ERROR, "opposed phases that update the same parameters"),
    ("G707", Severity.ERROR, USER_ERROR, "a bounded critic whose means are compared"),
    ("G708", Severity.WARNING, USER_ERROR, "a generator's loss that saturates"),
    ("G709", Severity.ERROR, USER_ERROR, "a logarithm of what may not be positive"),
    ("G710", Severity.ERROR, USER_ERROR, "a gradient through normalised weights"),
    ("G711", Severity.ERROR, USER_ERROR, "normalised weights of a single draw"),
    ("G712", Severity.WARNING, USER_ERROR, "a gradient that more particles drown in noise"),
    ("G713", Severity.WARNING, USER_ERROR, "an integral over many dimensions by draws of the prior"),
    ("G714", Severity.WARNING, USER_ERROR, "a likelihood without a maximum"),
    ("G715", Severity.ERROR, USER_ERROR, "a generator that moves its critic"),
    # -- G8xx: data, runs, files, checkpoints ------------------------------------------------------------------------
    ("G801", Severity.ERROR, RUN_FAILED, "data of the wrong shape, type or support"),
    ("G802", Severity.ERROR, RUN_FAILED, "data that cannot be read"),
    ("G803", Severity.ERROR, RUN_FAILED, "a checkpoint that belongs to another model"),
    ("G804", Severity.ERROR, RUN_FAILED, "a file that cannot be written"),
    ("G805", Severity.ERROR, RUN_FAILED, "not a number while training"),
    ("G806", Severity.ERROR, RUN_FAILED, "an unknown data set"),
    ("G807", Severity.ERROR, RUN_FAILED, "a process of a distributed run that is gone"),
    ("G808", Severity.WARNING, RUN_FAILED, "a row of a numeric inverse that did not converge"),
    ("G809", Severity.WARNING, RUN_FAILED, "a continuous density on discrete data"),
    # -- G9xx: valid but not supported yet, and limits ---------------------------------------------------------------
    ("G901", Severity.ERROR, UNSUPPORTED, "valid, but not supported yet"),
    ("G902", Severity.ERROR, UNSUPPORTED, "a limit is exceeded"),
)

#: Every code, by its number.
CODES: dict[str, Code] = {code: Code(code, title, severity, status) for code, severity, status, title in _TABLE}


def exit_status(diagnostics: Iterable[Diagnostic]) -> int:
    """0 without errors, else the status of the errors; a user's error counts before what is merely unsupported."""
    statuses = {CODES[d.code].exit_status for d in diagnostics if d.severity is Severity.ERROR}
    return min(statuses, default=0)
