"""A report as sections of typed blocks, and the six ways to render one. It knows no subject."""
