"""PartiQL: statements parsed, checked, and done by what does expressions."""
