"""Tests of `gencompiler.testing`: every property holds for a right model and catches a planted error."""
