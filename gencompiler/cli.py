"""`genc`, the command line: the commands of `gencompiler.commands` under one name, and what an exit status means.

=======  ===============================================================
status   meaning
=======  ===============================================================
0        ok
1        an error of the spec; something refuted, or unknown
2        a misuse of the command line
3        valid, but not supported yet
4        a test, a check of files on disk, or a recheck failed
5        a run failed: data, numbers, files, disk
70       a bug of the compiler; a dump says what happened
130      interrupted
=======  ===============================================================
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gencompiler import __version__
from gencompiler.commands import building, checking, kernels, running, starting, tools, trust
from gencompiler.commands.console import compiler_bug, fail_usage, is_run_error, show_compile_error, show_run_error
from gencompiler.commands.status import INTERRUPTED, USAGE
from gencompiler.diagnostics.model import CompileError
from gencompiler.settings import SettingsError

EPILOG = "Start with: genc run specs/bijections/realnvp.gen   ·   genc COMMAND --help says more about each command."

app = typer.Typer(
    name="genc",
    help="Compile generative models, written like their paper, into proven, tested, trainable packages.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gencompiler {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of `genc` itself; a command's own come after its name."""


for group in (starting, checking, building, kernels, running, tools, trust):
    group.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `genc` with `arguments` (default: the process's); returns the exit status and never raises."""
    # What a compiler makes lives until the end; looking for garbage among it took a fifth of its time.
    gc.set_threshold(50_000, 20, 100)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(given, prog_name="genc")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else USAGE if leaving.code else 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except CompileError as error:
        return show_compile_error(error, as_json="--json" in given)
    except SettingsError as error:
        return fail_usage(str(error))
    except BrokenPipeError:
        # Whoever read our output went away; nothing is left to say, and Python must not try again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except OSError as error:
        return show_run_error(error)
    except Exception as error:
        return show_run_error(error) if is_run_error(error) else compiler_bug(error, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
