"""`python -m tests.benchmarks NAME [options]`; `python -m tests.benchmarks` lists the names."""

import importlib
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run the benchmark named first with the options after it; 2 for a name that is not there."""
    names = sorted(
        f.stem for f in Path(__file__).parent.glob("*.py") if f.stem not in ("__init__", "__main__", "timing")
    )
    names = [name for name in names if not name.startswith("test_")]
    if not arguments or arguments[0] not in names:
        print(f"usage: python -m tests.benchmarks NAME [options]; names: {', '.join(names)}")
        return 2
    module = importlib.import_module(f"tests.benchmarks.{arguments[0]}")
    module.main(arguments[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
