"""`test_<model>.py` of a generated package: the properties that every model with these methods must have."""

from __future__ import annotations

from gencompiler.emit.templating import render


def emit_tests(class_name: str, header: str) -> str:
    """The text of the test file; `gencompiler.testing.properties` chooses what applies by what the class has."""
    return render("test_model.py.jinja", class_name=class_name, header=header)
