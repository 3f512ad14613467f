"""Tests of the report's pictures and of what a notebook shows."""
