"""What leaves the platform for people: report, workbook, data dictionary. No statistics of its own: they show tables.

The names of the files stand here, where Dagster's definitions read them without loading what writes them.
"""

REPORT, DIGEST, WORKBOOK = "report.html", "digest.md", "retail.xlsx"
DICTIONARY, DICTIONARY_JSON = "data_dictionary.md", "data_dictionary.json"
