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


class NotConverged(RuntimeWarning):
    """G808: rows of a numeric inverse whose residual is more than rounding explains."""

    code = "G808"

    def __str__(self) -> str:
        return f"[{self.code}] {super().__str__()}"
