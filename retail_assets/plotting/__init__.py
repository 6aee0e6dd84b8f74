"""How figures look, the same in every room.

`labels` needs nothing but Python. The other modules import matplotlib, which takes half a second: import
them only where something is drawn.
"""
