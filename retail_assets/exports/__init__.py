"""What leaves the platform for people: report, workbook, data dictionary, Tableau. No statistics of its own.

The names of the files stand here, where Dagster's definitions read them without loading what writes them.
"""

REPORT, DIGEST, WORKBOOK = "report.html", "digest.md", "retail.xlsx"
DICTIONARY, DICTIONARY_JSON = "data_dictionary.md", "data_dictionary.json"

#: Tableau's extract, and the starter workbook that looks for it in its own folder.
TABLEAU_EXTRACT, TABLEAU_WORKBOOK = "tableau/retail.hyper", "tableau/retail.twb"
