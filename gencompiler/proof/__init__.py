"""Proofs: facts about Model-IR expressions, the small trusted kernel of rules, the search for proofs, and their
replay."""
