"""Stage 1, text -> Surface: lexing, parsing with recovery, and formatting.

`parse.parse` turns a `SourceText` into a `tree.File`, or raises a `CompileError` that carries every independent syntax
error; `format.format_source` prints a text in the house style.
"""
