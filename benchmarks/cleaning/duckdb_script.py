"""The cleaning job as a DuckDB user would write it by hand for this one source: plain SQL, two threads, 4 GB.

The rules are those of the contract `retail_sales` as far as the generated files need them: every reason and every
variant that occurs. What the project's job also does stays out, as a script would leave it out: other encodings,
separators and formats, quoted line ends, other contracts, commit by manifest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

#: Lines, so that each keeps its number and raw text; their order in the table is their order in the files.
LINES = """
CREATE TEMP TABLE lines AS
SELECT raw, filename FROM read_csv('{raw}/dt=*/*.csv', auto_detect = false, header = false, skip = 1, delim = '\x01',
                                   quote = '', escape = '', columns = {{'raw': 'VARCHAR'}}, filename = true,
                                   hive_partitioning = false);
CREATE TEMP TABLE files AS
SELECT filename, min(rowid) AS first, regexp_extract(filename, 'dt=([0-9-]+)', 1)::DATE AS landed_on,
       regexp_extract(filename, '[^/]+/dt=[0-9-]+/[^/]+$') AS source_file
FROM lines GROUP BY filename;
"""

#: Most lines have no quotes; commas between quotes are hidden while a line is split.
TYPED = """
CREATE TEMP TABLE typed AS
WITH split AS (
    SELECT lines.rowid AS n, raw, landed_on, files.rowid AS file,
           CASE WHEN NOT contains(raw, '"') THEN string_split(raw, ',')
                ELSE [replace(field, chr(1), ',') FOR field IN string_split(array_to_string(
                      [CASE WHEN i % 2 = 0 THEN replace(part, ',', chr(1)) ELSE part END
                       FOR part, i IN string_split(raw, '"')], ''), ',')] END AS fields
    FROM lines JOIN files USING (filename)
),
texts AS (
    SELECT n, raw, landed_on, file, len(fields) <> 9 AS malformed,
           nullif(trim(fields[1]), '') AS transaction_id,
           trim(fields[2]) AS date,
           nullif(trim(fields[3]), '') AS customer_id,
           nullif(trim(fields[4]), '') AS gender_text,
           nullif(trim(fields[5]), '') AS age_text,
           nullif(trim(fields[6]), '') AS category,
           trim(fields[7]) AS quantity_text,
           trim(fields[8]) AS price_text,
           trim(fields[9]) AS amount_text
    FROM split
),
read AS (
    SELECT n, raw, landed_on, file, malformed, transaction_id, customer_id, gender_text, age_text,
           coalesce(try_cast(date AS TIMESTAMP), try_strptime(date, ['%d-%b-%Y', '%d %b %Y', '%b %d, %Y'])) AS sold_at,
           CASE WHEN gender_text IN ('Female', 'Male') THEN gender_text
                WHEN lower(gender_text) = 'female' THEN 'Female' WHEN lower(gender_text) = 'male' THEN 'Male' END
               AS gender,
           CASE WHEN try_cast(age_text AS INTEGER) BETWEEN 0 AND 120 THEN try_cast(age_text AS INTEGER) END AS age,
           CASE WHEN category IN ('Beauty', 'Clothing', 'Electronics') THEN category
                ELSE array_to_string([upper(word[1]) || lower(word[2:]) FOR word IN string_split(category, ' ')], ' ')
                END AS product_category,
           try_cast(quantity_text AS DECIMAL(18,3)) AS quantity,
           coalesce(try_cast(price_text AS DECIMAL(18,4)),
                    try_cast(translate(price_text, '$,', '') AS DECIMAL(18,4))) AS unit_price,
           coalesce(try_cast(amount_text AS DECIMAL(18,2)),
                    try_cast(translate(amount_text, '$,', '') AS DECIMAL(18,2))) AS total_amount
    FROM texts
)
SELECT * EXCLUDE (malformed, gender_text, age_text, raw),
       CASE WHEN malformed THEN 'malformed_row' ELSE concat_ws(',',
           CASE WHEN sold_at IS NULL THEN 'invalid_date' END,
           CASE WHEN quantity IS NULL THEN 'invalid_quantity' END,
           CASE WHEN unit_price IS NULL THEN 'invalid_price' END,
           CASE WHEN total_amount IS NULL THEN 'invalid_amount' END,
           CASE WHEN strlen(product_category) > 128 THEN 'text_too_long' END,
           CASE WHEN transaction_id IS NULL THEN 'missing_transaction_id' END,
           CASE WHEN product_category IS NULL THEN 'missing_category' END,
           CASE WHEN sold_at < TIMESTAMP '1990-01-01' OR sold_at::DATE > landed_on + 1 THEN 'date_out_of_range' END,
           CASE WHEN quantity = 0 THEN 'zero_quantity' END,
           CASE WHEN unit_price < 0 THEN 'negative_price' END,
           CASE WHEN abs(total_amount - quantity * unit_price) > 0.01 THEN 'total_mismatch' END) END AS reasons,
       CASE WHEN reasons <> '' THEN raw END AS raw_text
FROM read;
DROP TABLE lines;
"""

#: The latest line of a transaction in its landing wins.
REPEATED = """
CREATE TEMP TABLE repeated AS
SELECT landed_on, transaction_id, max(n) AS latest FROM typed WHERE reasons = ''
GROUP BY landed_on, transaction_id HAVING count(*) > 1;
CREATE TEMP TABLE superseded AS
SELECT n FROM typed JOIN repeated USING (landed_on, transaction_id) WHERE reasons = '' AND n < latest;
"""

CLEAN = """
COPY (
    SELECT transaction_id, transaction_id AS order_id, sold_at, sold_at::DATE AS sale_date, customer_id, gender, age,
           CASE WHEN age < 18 THEN 'under 18' WHEN age < 25 THEN '18-24' WHEN age < 35 THEN '25-34'
                WHEN age < 45 THEN '35-44' WHEN age < 55 THEN '45-54' WHEN age < 65 THEN '55-64'
                WHEN age IS NOT NULL THEN '65+' END AS age_group,
           NULL::VARCHAR AS product_id, product_category, quantity, unit_price, total_amount, NULL::VARCHAR AS store_id,
           'retail_sales' AS source, typed.landed_on, source_file, n - first + 2 AS source_line,
           NULL::DECIMAL(18,4) AS list_price, NULL::DECIMAL(18,2) AS discount
    FROM typed {which} JOIN superseded USING (n) JOIN files ON files.rowid = file WHERE reasons = ''
) TO '{out}/{status}' (FORMAT parquet, PARTITION_BY (landed_on), WRITE_PARTITION_COLUMNS true,
                       COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 256000);
"""

QUARANTINE = """
COPY (
    SELECT 'retail_sales' AS source, typed.landed_on, source_file, n - first + 2 AS source_line, reasons, raw_text,
           '{contract}' AS contract_version,
           CASE WHEN reasons <> 'malformed_row' THEN transaction_id END AS transaction_id,
           CASE WHEN reasons <> 'malformed_row' THEN total_amount END AS total_amount
    FROM typed JOIN files ON files.rowid = file WHERE reasons <> ''
) TO '{out}/quarantine' (FORMAT parquet, PARTITION_BY (landed_on), WRITE_PARTITION_COLUMNS true,
                         COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 256000);
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="folder of dt=YYYY-MM-DD/*.csv")
    parser.add_argument("out", type=Path, help="gets clean/, superseded/ and quarantine/")
    parser.add_argument("--contract", default="retail_sales@1", help="written to the quarantine")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"SET threads = 2; SET memory_limit = '4GB'; SET temp_directory = '{asked.out}/.spill'")
        names = {"raw": asked.raw, "out": asked.out, "contract": asked.contract}
        for statement in (
            LINES.format(**names),
            TYPED,
            REPEATED,
            "SET preserve_insertion_order = false",
            CLEAN.format(status="clean", which="ANTI", **names),
            CLEAN.format(status="superseded", which="SEMI", **names),
            QUARANTINE.format(**names),
        ):
            con.execute(statement)


if __name__ == "__main__":
    main()
