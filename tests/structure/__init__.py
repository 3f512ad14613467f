"""Tests of the shape of the source: who imports whom, how long a file is, what is documented."""
