"""The keys and buttons: what they do, in words, and what they are called."""

__all__ = ["BUTTONS", "CONTROL", "KEYS", "LEFT", "MIDDLE", "RIGHT", "SHIFT"]

KEYS = (
    "left drag, arrows: turn",
    "right drag, or shift: pan",
    "middle drag, or ctrl, + -: zoom",
    "1 to 6: views          W: wireframe",
    "space: start or pause  N: step",
    "R: reset               F: frame the mesh",
    "P: picture  V: video   M: save the mesh",
    "H: keys in the picture Esc: leave",
)
LEFT, MIDDLE, RIGHT, SHIFT, CONTROL = "LMB", "MMB", "RMB", "Shift", "Control"  # as both of Taichi's windows call them
BUTTONS = (LEFT, MIDDLE, RIGHT)
