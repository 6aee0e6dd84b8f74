"""What people look at: figures, insights, report, workbook and extract, measured from a loaded warehouse."""
