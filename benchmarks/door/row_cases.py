"""Which rows are sales, what identifies them, and what is known of the customer."""

from __future__ import annotations

from benchmarks.door.case import COLUMNS, Case, lines, sale, shop

GROUP = "Rows, ids and people"
HEADER = "ID,Date,Customer,Category,Qty,Total"
ORDERS = COLUMNS.replace(
    "transaction_id: {header: ID, required: true}", "transaction_id: {compose: [ID, Item], required: true}"
)
CANCELLED = (
    "1,2026-03-01,C1,Toys,1,100.00,Completed",
    "2,2026-03-01,C2,Toys,1,60.00,Cancelled",
    "3,2026-03-01,C3,Toys,1,40.00,Completed",
)
KEPT = (sale("1", "2026-03-01", "Toys", "1", "100.00"), sale("3", "2026-03-01", "Toys", "1", "40.00"))

CASES: tuple[Case, ...] = (
    Case(
        GROUP,
        "a status that says that a row is no sale: dropped",
        shop("rows: {drop: {canceled: {column: Status, prefix: Cancel}}}"),
        lines(f"{HEADER},Status", *CANCELLED),
        KEPT,
        excluded=1,
        note="Case 20.",
    ),
    Case(
        GROUP,
        "a status that says that a row is a sale: kept",
        shop("rows: {keep: {completed: {column: Status, equals: Completed}}}"),
        lines(f"{HEADER},Status", *CANCELLED),
        KEPT,
        excluded=1,
    ),
    Case(
        GROUP,
        "several words of a status",
        shop("rows: {drop: {no_sale: {column: Status, in: [Cancelled, Failed]}}}"),
        lines(f"{HEADER},Status", *CANCELLED),
        KEPT,
        excluded=1,
        note="Case 12.",
    ),
    Case(
        GROUP,
        "an id that is unique",
        shop(),
        lines(HEADER, "A1,2026-03-01,C7,Toys,1,5.00", "A2,2026-03-01,C7,Toys,1,5.00"),
        (sale("A1", "2026-03-01", "Toys", "1", "5.00"), sale("A2", "2026-03-01", "Toys", "1", "5.00")),
    ),
    Case(
        GROUP,
        "one line per product of an order: a composed id",
        shop(columns=ORDERS),
        lines(f"{HEADER},Item", "CA-1,2026-03-01,C7,Toys,1,5.00,X", "CA-1,2026-03-01,C7,Food,1,7.00,Y"),
        (sale("CA-1-X", "2026-03-01", "Toys", "1", "5.00"), sale("CA-1-Y", "2026-03-01", "Food", "1", "7.00")),
    ),
    Case(
        GROUP,
        "a corrected line",
        shop(),
        lines(HEADER, "1,2026-03-01,C7,Toys,1,5.00", "1,2026-03-01,C7,Toys,1,6.00"),
        (sale("1", "2026-03-01", "Toys", "1", "6.00"),),
        superseded=1,
        note="The last line of an id counts.",
    ),
    Case(
        GROUP,
        "equal lines that are sales of their own",
        shop(
            columns=COLUMNS.replace("{header: ID, required: true}", "{compose: [ID], required: true, occurrence: true}")
        ),
        lines(HEADER, "1,2026-03-01,C7,Toys,1,5.00", "1,2026-03-01,C7,Toys,1,5.00"),
        (sale("1-1", "2026-03-01", "Toys", "1", "5.00"), sale("1-2", "2026-03-01", "Toys", "1", "5.00")),
    ),
    Case(
        GROUP,
        "composed ids that a dash would confuse",
        shop(columns=ORDERS),
        lines(f"{HEADER},Item", "A-1,2026-03-01,C1,Toys,1,10.00,1", "A,2026-03-01,C2,Books,1,20.00,1-1"),
        (
            {"product_category": "Toys", "transaction_id": "A-1-1"},
            {"product_category": "Books", "transaction_id": "A-1~-1"},
        ),
        note="Case 24.",
    ),
    Case(
        GROUP,
        "ids that a spreadsheet has rounded, in every notation",
        shop("numbers: {decimal: ',', thousands: '.'}"),
        lines(
            HEADER.replace(",", ";"),
            "5,77087E+17;2026-03-01;C1;Toys;1;10,00",
            "5.77087e+17;2026-03-01;C2;Toys;1;20,00",
            "6E+17;2026-03-01;C3;Toys;1;30,00",
            "A9;2026-03-01;C3;Toys;1;40,00",
        ),
        (sale("A9", "2026-03-01", "Toys", "1", "40.00"),),
        {"rounded_id": 3},
        note="Case 10.",
    ),
    Case(
        GROUP,
        'ids as `="00123"`',
        shop(),
        lines(HEADER, '"=""00123""",2026-03-01,C7,Toys,1,5.00'),
        (sale("00123", "2026-03-01", "Toys", "1", "5.00"),),
        note="How programs keep a spreadsheet from removing the zeros.",
    ),
    Case(
        GROUP,
        "an id of which a part may be empty",
        shop(columns=ORDERS.replace("Item]", 'Item, {header: Variant, default: "none"}]')),
        lines(f"{HEADER},Item,Variant", "1,2026-03-01,C7,Toys,1,5.00,X,red", "1,2026-03-01,C7,Toys,1,6.00,X,"),
        (sale("1-X-red", "2026-03-01", "Toys", "1", "5.00"), sale("1-X-none", "2026-03-01", "Toys", "1", "6.00")),
    ),
    Case(
        GROUP,
        "words for gender in other languages, and ages that are none",
        shop(columns=COLUMNS + "  gender: {header: Gender}\n  age: {header: Age}\n"),
        lines(
            f"{HEADER},Gender,Age",
            "1,2026-03-01,C1,Toys,1,10.00,Female,34",
            "2,2026-03-01,C2,Toys,1,20.00,Mujer,34",
            "3,2026-03-01,C3,Toys,1,30.00,weiblich,34",
            "4,2026-03-01,C4,Toys,1,40.00,Prefer not to answer,34",
            "5,2026-03-01,C5,Toys,1,50.00,F,34.5",
        ),
        (
            sale("1", "2026-03-01", "Toys", "1", "10.00", gender="Female", age="34"),
            sale("2", "2026-03-01", "Toys", "1", "20.00", gender="Female"),
            sale("3", "2026-03-01", "Toys", "1", "30.00", gender="Female"),
            sale("4", "2026-03-01", "Toys", "1", "40.00", gender=None),
            sale("5", "2026-03-01", "Toys", "1", "50.00", gender="Female", age=None),
        ),
        note="Case 22: what is not known of a customer rejects no sale.",
    ),
    Case(
        GROUP,
        "a price that is required",
        shop(columns=COLUMNS + "  unit_price: {header: Price, required: true}\n"),
        lines(f"{HEADER},Price", "1,2026-03-01,C1,Toys,2,10.00,5.00", "2,2026-03-01,C1,Toys,2,10.00,"),
        (sale("1", "2026-03-01", "Toys", "2", "10.00"),),
        {"invalid_price": 1},
        note="Case 23.",
    ),
    Case(
        GROUP,
        "rows without an order, where orders are not required",
        shop(columns=COLUMNS + "  order_id: {header: Order}\n"),
        lines(f"{HEADER},Order", "1,2026-03-01,C1,Toys,1,5.00,O1", "2,2026-03-01,C1,Toys,1,6.00,"),
        (sale("1", "2026-03-01", "Toys", "1", "5.00", order_id="O1"), sale("2", "2026-03-01", "Toys", "1", "6.00")),
        note="Case 23.",
    ),
    Case(
        GROUP,
        "customers that are not known",
        shop(),
        lines(HEADER, "1,2026-03-01,,Toys,1,5.00", "2,2026-03-01,NULL,Toys,1,6.00"),
        (
            sale("1", "2026-03-01", "Toys", "1", "5.00", customer_id=None),
            sale("2", "2026-03-01", "Toys", "1", "6.00", customer_id=None),
        ),
    ),
)
