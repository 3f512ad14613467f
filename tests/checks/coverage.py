"""How much of the corpora is settled: `python -m tests.checks.coverage`.

With sympy and z3 made impossible to import, so that what is settled is settled without them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

#: What must not be needed.
ORACLES = ("sympy", "z3")


def without_oracles() -> None:
    """From here on, importing one of them fails, whether or not it is installed."""
    for name in ORACLES:
        assert name not in sys.modules, name
        sys.modules[name] = None  # type: ignore[assignment]


def settled() -> Iterator[tuple[str, str, str]]:
    """For each statement of the corpora: its kind, whether it holds, and the verdict."""
    from tests.checks import test_chain_statements as chains
    from tests.checks import test_densities as densities
    from tests.checks import test_scalar_statements as scalars
    from tests.checks import test_sde_statements as sdes
    from tests.checks import test_vector_statements as vectors
    from tests.checks.checking import checked

    for holds, statements in (("true", scalars.TRUE), ("false", scalars.FALSE)):
        for statement, _ in statements:
            yield "maps", holds, scalars.checked(statement)[0].verdicts[0].status
    for holds, named in (("true", vectors.TRUE), ("false", vectors.FALSE)):
        yield from (("maps of vectors", holds, vectors.verdict(s)[0].status) for s in named.values())
    for pair in densities.PAIRS:
        for holds, formula in (("true", pair.true), ("false", pair.false)):
            found, _ = checked(pair.spec(formula))
            own = [v.status for v in found.verdicts if v.obligation.id in ("nonnegative", "mass")]
            yield "densities", holds, worst(own)
    for holds, claims in (("true", chains.TRUE), ("false", chains.FALSE)):
        yield from (("transitions", holds, worst(chains.verdicts(s))) for s in claims)
    for claim in sdes.STATEMENTS:
        yield "SDEs", "true" if claim.holds else "false", sdes.verdict(claim)


def worst(statuses: list[str]) -> str:
    """Of several verdicts, the one that decides."""
    return next((s for s in ("refuted", "unknown", "proved") if s in statuses), "unknown")


def main() -> None:
    without_oracles()
    counts = Counter(settled())
    for kind in dict.fromkeys(kind for kind, _, _ in counts):
        for holds, right, wrong in (("true", "proved", "refuted"), ("false", "refuted", "proved")):
            own = {status: counts[kind, holds, status] for status in (right, "unknown", wrong)}
            print(f"{kind}, {holds}: " + ", ".join(f"{n} {status}" for status, n in own.items()))


if __name__ == "__main__":
    main()
