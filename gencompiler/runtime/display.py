"""A model as a notebook shows it: its variables, what it can do, its parameters and programs."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gencompiler.runtime.modules import Model

_CELL = "text-align:left;vertical-align:top;padding:.15em 1em .15em 0;color:#1c2024;background:none"
_FRAME = (
    "background:#fbfaf7;color:#1c2024;border:1px solid #dcdad4;border-radius:6px;padding:.8em 1em;"
    "font:14px/1.5 system-ui,sans-serif;overflow-x:auto"
)


def model_html(model: Model) -> str:
    """A summary of `model` as HTML; every text of the spec is escaped."""
    title = (type(model).__doc__ or type(model).__name__).strip().splitlines()[0]
    count = sum(parameter.numel() for parameter in model.parameters())
    trained = ", ".join(dict.fromkeys(phase.label for phase in model.phases))
    methods = [name for name in model.programs if not name.startswith("objective_") and hasattr(type(model), name)]
    rows = [
        *((f.name, f"{f}, {'given' if f.given else 'observed'}") for f in model.fields),
        *((f.name, f"{f}, latent") for f in model.latents),
        *model.capabilities.items(),
        ("methods", ", ".join(methods)),
        ("training", trained and f"phases {trained}"),
        ("parameters", f"{count:,} on {model.device}, {str(model.dtype).removeprefix('torch.')}"),
        ("spec", model.spec),
    ]
    cell = f'<td style="{_CELL}">'
    body = "".join(
        f"<tr>{cell}<code>{html.escape(name)}</code></td>{cell}{html.escape(text)}</td></tr>"
        for name, text in rows
        if text
    )
    head = f"<b>{html.escape(type(model).__name__)}</b> · {html.escape(title)}"
    table = f'<table style="border-collapse:collapse;font-size:13px;margin:.5em 0 0"><tbody>{body}</tbody></table>'
    return f'<div style="{_FRAME}">{head}{table}</div>'
