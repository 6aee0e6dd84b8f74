"""What leaves the platform for people: report, workbook, data dictionary, Tableau. No statistics of its own.

The names of the files stand here, where Dagster's definitions read them without loading what writes them.
"""

REPORT, DIGEST, WORKBOOK = "report.html", "digest.md", "retail.xlsx"
DICTIONARY, DICTIONARY_JSON = "data_dictionary.md", "data_dictionary.json"

#: Tableau's extract, and the starter workbook that looks for it in its own folder.
TABLEAU_EXTRACT, TABLEAU_WORKBOOK = "tableau/retail.hyper", "tableau/retail.twb"

OUTPUTS = {
    REPORT: "the report: everything on one page",
    DIGEST: "its facts in a few lines",
    "insights.md": "findings in sentences",
    "insights.json": "the same with numbers, intervals and queries",
    "figures": "figures, and `left_out.json`: those that the data do not give, with reasons",
    WORKBOOK: "tables as sheets of a workbook",
    TABLEAU_EXTRACT: "the extract for Tableau, where the extra `[tableau]` is installed",
    TABLEAU_WORKBOOK: "the starter workbook on the extract",
    DICTIONARY: "what every table, column and measure means",
    DICTIONARY_JSON: "the same for programs",
}
"""What people look at, by key in the output store."""
