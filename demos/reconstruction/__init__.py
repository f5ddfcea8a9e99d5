"""Shape and colour of an object from one picture of it, learnt from pictures alone: see docs/applications/reconstruction.md."""
