"""Stage 2: Surface in, Model IR out.  Names resolved, types and shapes inferred, definitions instantiated."""
