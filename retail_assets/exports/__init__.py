"""What leaves the platform for people: the report and the workbook. No statistics of its own: they show the tables.

The names of the files stand here, where Dagster's definitions read them without loading what writes them.
"""

REPORT, DIGEST, WORKBOOK = "report.html", "digest.md", "retail.xlsx"
