"""The commands of `genc`, one file for each group; `gencompiler.cli` puts them together.

A command reads its arguments, calls the library, and prints; it decides nothing that the Python API does not.
"""
