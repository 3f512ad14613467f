"""A pytest plugin that collects `.gen` files: an item for each obligation and each property of the compiled model.

    pytest specs/nade.gen          a spec named on the command line is collected
    pytest --gen                   and with --gen every spec below the folders that pytest looks into

An obligation passes when it is proved (or assumed).  The properties are those of `gencompiler.testing.properties`, at
the largest of a few small sizes at which the mass of the model can be computed.

This module is loaded in every pytest run of an environment that has gencompiler: it imports nothing heavy, and does
nothing until there is a `.gen` file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gencompiler.checks import Verdict
    from gencompiler.testing.properties import Property
    from gencompiler.testing.specs import SmallModel


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--gen`."""
    group = parser.getgroup("gencompiler")
    group.addoption("--gen", action="store_true", help="collect .gen specs: their obligations and properties")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SpecFile | None:
    """A collector for a spec that was named on the command line, or for any under `--gen`."""
    if file_path.suffix != ".gen":
        return None
    if not (parent.session.isinitpath(file_path) or parent.config.getoption("--gen")):
        return None
    return SpecFile.from_parent(parent, path=file_path)


class SpecFile(pytest.File):
    """One spec: what is wrong with it, or its obligations and properties."""

    def collect(self) -> Iterator[pytest.Item]:
        """The items; a spec with diagnostics that no verdict accounts for has an item of its own for them."""
        from gencompiler import check

        result = check(self.path)
        text = result.render()
        seen: dict[str, int] = {}
        for verdict in result.verdicts:
            name = f"{verdict.obligation.id}[{verdict.subject}]"
            seen[name] = seen.get(name, 0) + 1
            name += f"#{seen[name]}" if seen[name] > 1 else ""
            yield ObligationItem.from_parent(self, name=name, verdict=verdict, diagnostics=text)
        if not result.ok:
            yield DiagnosticsItem.from_parent(self, name="diagnostics", diagnostics=text)
            return
        # With torch, from here on.
        from gencompiler.testing.properties import applicable
        from gencompiler.testing.specs import small_model

        small = small_model(self.path)
        if small is None:
            return
        for prop in applicable(small.kind()):
            yield PropertyItem.from_parent(self, name=f"{prop}{small.suffix}", prop=prop, small=small)


class SpecItem(pytest.Item):
    """An item of a spec; a failure shows the claim and the finding, not the plugin's own frames."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message of an assertion, with what Hypothesis says of the example; the traceback of anything else."""
        if not isinstance(excinfo.value, AssertionError):
            return super().repr_failure(excinfo, style)
        return "\n".join([str(excinfo.value), *getattr(excinfo.value, "__notes__", [])])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the spec is, and the item's name."""
        return self.path, None, self.name


class ObligationItem(SpecItem):
    """What the checks must show."""

    def __init__(self, *, verdict: Verdict, diagnostics: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.verdict = verdict
        self.diagnostics = diagnostics

    def runtest(self) -> None:
        """Raise AssertionError unless the verdict is proved or assumed."""
        if self.verdict.status not in ("proved", "assumed"):
            raise AssertionError(f"{self.verdict.status}: {self.verdict.words}\n{self.diagnostics}")


class DiagnosticsItem(SpecItem):
    """A spec that does not compile."""

    def __init__(self, *, diagnostics: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.diagnostics = diagnostics

    def runtest(self) -> None:
        """Raise AssertionError with the diagnostics."""
        raise AssertionError(self.diagnostics)


class PropertyItem(SpecItem):
    """What the emitted code must do."""

    def __init__(self, *, prop: Property, small: SmallModel, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.prop = prop
        self.small = small

    def runtest(self) -> None:
        """Check the property, at a false-alarm rate that all statistical items of the run share."""
        from gencompiler.testing.properties import Effort
        from gencompiler.testing.statistics import RUN_FALSE_ALARM, TESTS_PER_RUN

        items = [item for item in self.session.items if isinstance(item, PropertyItem) and item.prop.statistical]
        alpha = RUN_FALSE_ALARM / max(TESTS_PER_RUN, len(items))
        self.prop.check(self.small.kind, Effort(cases=1, alpha=alpha))
