"""How figures look and how numbers are written, the same in every room.

`wording` and `labels` need nothing but Python. The other modules import matplotlib, which takes half a second: import
them only where something is drawn.
"""
