"""Tests, one folder per stage of the compiler."""
