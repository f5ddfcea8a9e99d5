"""Triangles that let light through, fitted to pictures of what is not one surface: see docs/three_aggregates.md."""
