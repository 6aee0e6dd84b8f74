"""The charts of the report as Vega-Lite specifications: drawn without JavaScript as SVG, and by the page where it runs.

A module per section of the page. A chart is laid out from the facts, or is None where they do not give it.
"""
