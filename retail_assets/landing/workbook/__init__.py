"""Excel workbooks as this package reads them by itself: parts, cells and rows, streamed from the XML.

Inspection uses it, independent of the library with which cleaning reads a workbook. Not here: what a row means.
"""
