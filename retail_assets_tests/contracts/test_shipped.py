"""Each shipped contract reads an example of the export that it is for, with these sales and no other."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from retail_assets.contracts.loading import load
from retail_assets.drafting.dry_run import dry_run, judge
from retail_assets.storage import Store

DAY = dt.date(2026, 11, 29)
SUPERSTORE = (
    "Row ID,Order ID,Order Date,Ship Date,Ship Mode,Customer ID,Customer Name,Segment,Country,City,State,Postal Code,"
    "Region,Product ID,Category,Sub-Category,Product Name,Sales,Quantity,Discount,Profit\n"
    "1,CA-2016-1,11/8/2016,11/11/2016,Second Class,CG-1,Ann,Consumer,United States,Here,Kentucky,42420,South,FUR-1,"
    'Furniture,Chairs,"Chair, ""blue""",261.96,2,0,41.9136\n'
    "2,CA-2016-1,11/8/2016,11/11/2016,Second Class,CG-1,Ann,Consumer,United States,Here,Kentucky,42420,South,FUR-2,"
    "Furniture,Tables,Table,957.5775,5,0.45,-383.031\n"
    "3,US-2015-9,10/11/2015,10/18/2015,First Class,SO-2,Bob,Consumer,United States,There,Florida,33311,South,OFF-1,"
    "Office Supplies,Storage,Box,22.368,2,0.2,2.5164\n"
    "4,US-2015-9,10/31/2015,11/3/2015,First Class,SO-2,Bob,Consumer,United States,There,Florida,33311,South,TEC-1,"
    "Technology,Phones,Phone,911.424,4,0.2,68.3568\n"
)
SUPERMARKET = (
    "Invoice ID,Branch,City,Customer type,Gender,Product line,Unit price,Quantity,Tax 5%,Total,Date,Time,Payment,cogs,"
    "gross margin percentage,gross income,Rating\n"
    "750-67-8428,A,Yangon,Member,Female,Health and beauty,74.69,7,26.1415,548.9715,1/5/2019,13:08,Ewallet,522.83,"
    "4.761904762,26.1415,9.1\n"
    "226-31-3081,C,Naypyitaw,Normal,Female,Electronic accessories,15.28,5,3.82,80.22,3/8/2019,10:29,Cash,76.4,"
    "4.761904762,3.82,9.6\n"
    "631-41-3108,A,Yangon,Normal,Male,Home and lifestyle,46.33,7,16.2155,340.5255,3/23/2019,13:23,Credit card,324.31,"
    "4.761904762,16.2155,7.4\n"
)
SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
    "Vendor,Id,Lineitem discount\n"
    "#1001,a@x.com,paid,2026-04-01 12:39:30 -0400,fulfilled,USD,39.00,3.00,0.00,42.00,,0.00,2026-04-01 12:39:28 -0400,"
    "1,Serum,13.00,SKU1,Acme,6001,0.00\n"
    "#1001,a@x.com,,,,,,,,,,,,2,Cream,13.00,SKU2,Acme,,0.00\n"
    "#1002,b@x.com,voided,,unfulfilled,USD,26.00,2.00,0.00,28.00,,0.00,2026-04-02 22:57:37 -0400,"
    "2,Serum,13.00,SKU1,Acme,6002,0.00\n"
)
STRIPE = (
    "id,Description,Created date (UTC),Amount,Amount Refunded,Currency,Converted Amount,Fee,Status,"
    "Customer ID,Captured\n"
    "ch_1,Plan,2026-06-07 02:38:54,15.00,0.00,usd,15.00,0.74,Paid,cus_1,true\n"
    "ch_2,Plan,2026-06-07 03:38:54,20.00,5.00,usd,20.00,0.88,Partial Refund,cus_2,true\n"
    "ch_3,Plan,2026-06-07 03:39:54,15.00,15.00,usd,15.00,0.74,Refunded,cus_3,true\n"
    "ch_4,Plan,2026-06-07 03:40:54,15.00,0.00,usd,15.00,0.00,Failed,cus_4,false\n"
)
#: By contract: an example, and the sales that come of it: id, moment, category, quantity and amount.
EXAMPLES: dict[str, tuple[str, list[tuple[str, str, str, str, str]]]] = {
    "superstore": (
        SUPERSTORE,
        [
            ("CA-2016-1-1", "2016-11-08 00:00:00", "Furniture", "2", "261.96"),
            ("CA-2016-1-2", "2016-11-08 00:00:00", "Furniture", "5", "957.58"),
            ("US-2015-9-3", "2015-10-11 00:00:00", "Office Supplies", "2", "22.37"),
            ("US-2015-9-4", "2015-10-31 00:00:00", "Technology", "4", "911.42"),
        ],
    ),
    "supermarket_sales": (
        SUPERMARKET,
        [
            ("750-67-8428", "2019-01-05 13:08:00", "Health and beauty", "7", "522.83"),
            ("226-31-3081", "2019-03-08 10:29:00", "Electronic accessories", "5", "76.40"),
            ("631-41-3108", "2019-03-23 13:23:00", "Home and lifestyle", "7", "324.31"),
        ],
    ),
    "shopify_orders": (
        SHOPIFY,
        [
            ("#1001-Serum-1", "2026-04-01 12:39:28", "Acme", "1", "13.00"),
            ("#1001-Cream-1", "2026-04-01 12:39:28", "Acme", "2", "26.00"),
        ],
    ),
    "stripe_payments": (
        STRIPE,
        [
            ("ch_1", "2026-06-06 22:38:54", "Payments", "1", "15.00"),
            ("ch_2", "2026-06-06 23:38:54", "Payments", "1", "15.00"),
        ],
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_shipped_contract_reads_its_export(name: str, tmp_path: Path) -> None:
    text, expected = EXAMPLES[name]
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    contract = load(name)
    result = dry_run([path], contract, DAY)
    assert (result.rejected, result.refused) == ((), None)
    assert contract.unknown_columns == "ignore" or not result.profiles[0].unknown_columns
    rows = judge(Store(str(tmp_path)), result.profiles, contract, DAY).of("clean").to_pylist()
    assert [
        (r["transaction_id"], str(r["sold_at"]), r["product_category"], r["quantity"], r["total_amount"]) for r in rows
    ] == [(*sale[:3], Decimal(sale[3]), Decimal(sale[4])) for sale in expected]
