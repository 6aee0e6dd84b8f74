"""Files of sales that are joined with a product master or a price list."""

from __future__ import annotations

from benchmarks.door.case import COLUMNS, SHOP, Case, lines, sale

GROUP = "Reference files"
HEADER = "ID,Date,SKU,Qty,Total"
MASTER = "references/products/master.csv"
JOIN = "references:\n  products: {on: product_id, key: Article, columns: [Department]}\n"
PRICES = "references:\n  prices: {on: product_id, key: Article, columns: [Price], version: as_of_landing}\n"
SOLD = COLUMNS.replace("  customer_id: {header: Customer}\n", "  product_id: {header: SKU}\n").replace(
    "{header: Category}", "{header: Department, default: Other}"
)
PRICED = SOLD.replace("{header: Department, default: Other}", "{header: Category, default: Other}").replace(
    "total_amount: {header: Total}", "unit_price: {header: Price}"
)
COMPUTED = PRICED.replace(
    "unit_price: {header: Price}", 'total_amount: {expression: "Qty * Price * (1 - default(Off, 0))"}'
)

CASES: tuple[Case, ...] = (
    Case(
        GROUP,
        "the category is in a product master",
        SHOP + JOIN + SOLD,
        lines(HEADER, "1,2026-03-01,P1,2,10.00", "2,2026-03-02,P9,1,7.50"),
        (sale("1", "2026-03-01", "Toys", "2", "10.00"), sale("2", "2026-03-02", "Other", "1", "7.50")),
        masters={MASTER: "Article,Department,Buyer\nP1,Toys,Ann\nP2,Books,Ben\n"},
        note="The master has P1 (Toys) and P2. P9 has no match, so the default counts.",
    ),
    Case(
        GROUP,
        "the master is written by a spreadsheet: semicolons, `17850.0`, blanks, other columns in front",
        SHOP + JOIN + SOLD,
        lines(HEADER, "1,2026-03-01,17850,2,10.00", '2,2026-03-02," 007 ",1,7.50', '3,2026-03-03,"=""007""",1,5.00'),
        (
            sale("1", "2026-03-01", "Toys", "2", "10.00"),
            sale("2", "2026-03-02", "Books", "1", "7.50"),
            sale("3", "2026-03-03", "Books", "1", "5.00"),
        ),
        masters={MASTER: '\ufeffBuyer;Department;article\r\nAnn;Toys;17850.0\r\n;;\r\nBen;"Books";="007"\r\n'},
        note="Ids are compared as ids are read; leading zeros stay.",
    ),
    Case(
        GROUP,
        "every product must be in the master",
        SHOP + JOIN.replace("[Department]", "[Department], required: true") + SOLD,
        lines(HEADER, "1,2026-03-01,P1,2,10.00", "2,2026-03-02,P9,1,7.50"),
        (sale("1", "2026-03-01", "Toys", "2", "10.00"),),
        {"missing_reference": 1},
        masters={MASTER: "Article,Department\nP1,Toys\n"},
    ),
    Case(
        GROUP,
        "a product with two departments in the master",
        SHOP + JOIN + SOLD,
        lines(HEADER, "1,2026-03-01,P1,2,10.00"),
        refused="the key 'P1' has Department = 'Books', but 'Toys'",
        masters={MASTER: "Article,Department\nP1,Toys\nP2,Food\nP1,Books\n"},
        note="Sales could be joined with either.",
    ),
    Case(
        GROUP,
        "a master whose line is cut off",
        SHOP + JOIN + SOLD,
        lines(HEADER, "1,2026-03-01,P1,2,10.00"),
        refused="line 3: 1 fields, but the header has 2",
        masters={MASTER: "Article,Department\nP1,Toys\nP2"},
    ),
    Case(
        GROUP,
        "no master has landed",
        SHOP + JOIN + SOLD,
        lines(HEADER, "1,2026-03-01,P1,2,10.00"),
        refused="joins sales with the reference 'products', and none has landed",
    ),
    Case(
        GROUP,
        "a till writes product and quantity only; the price is in a list",
        SHOP + PRICES + PRICED,
        lines("ID,Date,SKU,Qty", "1,2026-03-01,P1,2", "2,2026-03-02,P2,-1", "3,2026-03-03,P9,1"),
        (
            sale("1", "2026-03-01", "Other", "2", "5.00", unit_price="2.50"),
            sale("2", "2026-03-02", "Other", "-1", "-1200.00", unit_price="1200"),
        ),
        {"missing_amount": 1},
        masters={"references/prices/list.csv": "Article,Price\nP1,2.50\nP2,$1200.00\n"},
        note="P9 is not in the list.",
    ),
    Case(
        GROUP,
        "list price and discount make the amount",
        SHOP + PRICES + COMPUTED,
        lines("ID,Date,SKU,Qty,Off", "1,2026-03-01,P1,2,0.1", "2,2026-03-02,P2,1,"),
        (sale("1", "2026-03-01", "Other", "2", "4.50"), sale("2", "2026-03-02", "Other", "1", "10.00")),
        masters={"references/prices/list.csv": "Article,Price\nP1,2.50\nP2,10\n"},
    ),
    Case(
        GROUP,
        "prices without saying which list counts",
        SHOP + PRICES.replace(", version: as_of_landing", "") + PRICED,
        lines("ID,Date,SKU,Qty", "1,2026-03-01,P1,2"),
        refused="say which version counts",
        note="A new list would change the money of old sales, or not.",
    ),
)  # fmt: skip
