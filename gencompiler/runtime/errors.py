"""What can go wrong in a run, as data: code, message, help.  The command line renders it like a compiler diagnostic."""

from __future__ import annotations

#: Exit status of a run that failed because of data, numbers, files or disk.
RUN_FAILED = 5


class RunError(Exception):
    """A run cannot go on.

    `code` is G8xx; `message` is lower case without a full stop; `notes` say what was found, `help` what would mend
    it."""

    def __init__(self, code: str, message: str, help: str | tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = (help,) if isinstance(help, str) else help
        self.notes = notes

    def __str__(self) -> str:
        return render(self)


def render(error: RunError) -> str:
    """The text of an error as the command line prints it, without colour."""
    lines = [f"error[{error.code}]: {error.message}"]
    lines += [f"  = note: {note}" for note in error.notes]
    lines += [f"  = help: {line}" for line in error.help]
    return "\n".join(lines)


class CodedWarning(RuntimeWarning):
    """What a run goes on after, with the code of its explain page."""

    code = ""

    def __str__(self) -> str:
        return f"[{self.code}] {super().__str__()}"


class NotConverged(CodedWarning):
    """G808: rows of a numeric inverse whose residual is more than rounding explains."""

    code = "G808"


class DiscreteData(CodedWarning):
    """G809: whole numbers as the data of a variable that is declared continuous."""

    code = "G809"
