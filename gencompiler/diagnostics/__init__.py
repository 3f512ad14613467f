"""Stage 0, for every stage: a diagnostic is data (`model`), has a code (`codes`), and is rendered apart (`render`)."""
