"""Shape, texture and light of an object from one picture of it, learnt from pictures alone: see docs/applications/dibr.md."""
