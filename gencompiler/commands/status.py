"""Exit statuses of `genc`; 1, 3 and 5 come from `diagnostics.codes`, by the codes of the diagnostics."""

from gencompiler.diagnostics.codes import RUN_FAILED, UNSUPPORTED, USER_ERROR

OK = 0
USAGE = 2
TEST_FAILED = 4
BUG = 70
INTERRUPTED = 130

__all__ = ["BUG", "INTERRUPTED", "OK", "RUN_FAILED", "TEST_FAILED", "UNSUPPORTED", "USAGE", "USER_ERROR"]
