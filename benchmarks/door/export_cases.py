"""Exports as shops, tills and platforms write them, in several countries; a draft of each reads it as stated here."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from benchmarks.door.case import Case, Sale, lines, sale

GROUP = "Exports of shops, tills and platforms"


def export_contract(place: str, columns: str, *more: str) -> str:
    """Return a contract of the shop in a place: `CURRENCY COUNTRY ZONE`."""
    currency, country, zone = place.split()
    head = f"name: corner_shop\ntimezone: {zone}\ncountry: {country}\ncurrency: {currency}\nstart_date: 2024-01-01\n"
    rules = "".join(f"{line}\n" for line in more)
    listed = "".join(f"  {line.strip()}\n" for line in columns.strip().splitlines())
    return f"{head}unknown_columns: ignore\n{rules}columns:\n{listed}"


def export(
    what: str,
    name: str,
    contract: str,
    data: Callable[[], bytes],
    *sales: Sale,
    excluded: int = 0,
    rejected: Mapping[str, int] | None = None,
    note: str = "",
) -> Case:
    """Return a case of this group."""
    return Case(GROUP, what, contract, data, sales, dict(rejected or {}), excluded=excluded, name=name, note=note)


def _workbook() -> bytes:
    """A report with merged titles, headers of two lines and a line of totals."""
    import datetime as dt

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for place, text in (
        ("A1", "Sales report March 2026"),
        ("A2", "Store: Main street"),
        ("A3", "Order"),
        ("D3", "Item"),
    ):
        sheet[place] = text
    for cells in ("A1:G1", "A2:G2", "A3:C3", "D3:G3"):
        sheet.merge_cells(cells)
    sheet.append(["Order No", "Order Date", "Customer", "Product\nCategory", "Qty", "Unit\nPrice", "Line Total"])
    sheet.append(["A1", dt.datetime(2026, 3, 1), "Ann", "Toys", 2, 5.25, 10.5])
    sheet.append(["A2", dt.datetime(2026, 3, 14), "Bob", "Books", 1, 20, 20])
    sheet.append(["A3", dt.datetime(2026, 3, 31), None, "Toys", 3, 5.25, 15.75])
    sheet.append(["Total", None, None, None, 6, None, 46.25])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


CASES: tuple[Case, ...] = (
    export(
        "Square, items: brackets, a refund, one transaction of several lines",
        "square.csv",
        export_contract(
            "USD US America/New_York",
            """
            transaction_id: {compose: [Transaction ID, SKU], required: true, occurrence: true}
            order_id: {header: Transaction ID}
            sold_at: {header: Date, time: Time}
            product_category: {header: Category}
            quantity: {header: Qty}
            total_amount: {header: Net Sales}
            """,
            "numbers: {negatives: [brackets]}",
        ),
        lines(
            "Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Modifiers Applied,Gross Sales,Discounts,"
            "Net Sales,"
            "Tax,Transaction ID,Payment ID,Device Name,Notes,Details,Event Type,Location,Customer ID",
            "2026-03-01,09:12:44,Eastern Time (US & Canada),Coffee,Latte,2.0,Regular,SKU1,,$9.00,$0.00,$9.00,"
            "$0.72,tA1,pA1,"
            "Register 1,,https://squareup.com/d/1,Payment,Main St,",
            '2026-03-01,09:12:44,Eastern Time (US & Canada),Bakery,"Croissant, butter",1.0,Regular,SKU2,,$3.50,'
            "-$0.35,$3.15,"
            "$0.25,tA1,pA1,Register 1,,https://squareup.com/d/1,Payment,Main St,",
            "2026-03-14,10:01:00,Eastern Time (US & Canada),Coffee,Latte,-1.0,Regular,SKU1,,($4.50),$0.00,"
            "($4.50),($0.36),"
            "tC3,pC3,Register 1,,https://squareup.com/d/3,Refund,Main St,C-77",
        ),
        sale("tA1-SKU1-1", "2026-03-01 09:12:44", "Coffee", "2", "9.00"),
        sale("tA1-SKU2-1", "2026-03-01 09:12:44", "Bakery", "1", "3.15"),
        sale("tC3-SKU1-1", "2026-03-14 10:01:00", "Coffee", "-1", "-4.50"),
    ),
    export(
        "WooCommerce, a line per item: the order's total stands in each of its lines",
        "woocommerce.csv",
        export_contract(
            "GBP GB Europe/London",
            """
            transaction_id: {compose: [Order Number, SKU], required: true, occurrence: true}
            order_id: {header: Order Number}
            sold_at: {header: Order Date}
            customer_id: {header: Email (Billing)}
            product_category: {header: Item Name}
            quantity: {header: Quantity (- Refund)}
            unit_price: {header: Item Cost}
            """,
            "rows: {drop: {no_sale: {column: Order Status, in: [Cancelled]}}}",
        ),
        lines(
            "Order Number,Order Status,Order Date,Customer Note,Email (Billing),Cart Discount Amount,"
            "Order Subtotal Amount,"
            "Order Shipping Amount,Order Refund Amount,Order Total Amount,SKU,Item #,Item Name,"
            "Quantity (- Refund),Item Cost",
            "5501,Completed,2026-03-01 12:30,,ann@x.org,0,30.00,4.00,0,34.00,TS-1,1,T-Shirt,2,15.00",
            "5502,Processing,2026-03-02 08:10,,bob@x.org,0,22.50,4.00,0,26.50,TS-1,1,T-Shirt,1,15.00",
            "5502,Processing,2026-03-02 08:10,,bob@x.org,0,22.50,4.00,0,26.50,MUG,2,Mug,1,7.50",
            "5503,Cancelled,2026-03-03 19:00,,cy@x.org,0,7.50,4.00,0,11.50,MUG,1,Mug,1,7.50",
        ),
        sale("5501-TS~-1-1", "2026-03-01 12:30:00", "T-Shirt", "2", "30.00", customer_id="ann@x.org"),
        sale("5502-TS~-1-1", "2026-03-02 08:10:00", "T-Shirt", "1", "15.00", customer_id="bob@x.org"),
        sale("5502-MUG-1", "2026-03-02 08:10:00", "Mug", "1", "7.50"),
        excluded=1,
        note="Summed over its lines, the order's total would count 53.00 for 26.50.",
    ),
    export(
        "Etsy, order items: the amount is less a discount in money",
        "etsy.csv",
        export_contract(
            "USD US America/New_York",
            """
            transaction_id: {header: Transaction ID, required: true}
            order_id: {header: Order ID}
            sold_at: {header: Sale Date}
            product_category: {header: Item Name}
            quantity: {header: Quantity}
            total_amount: {header: Item Total}
            """,
            "dates: {order: mdy}",
            "currencies: {column: Currency}",
        ),
        lines(
            "Sale Date,Item Name,Buyer,Quantity,Price,Coupon Code,Discount Amount,Shipping Discount,Order Shipping,"
            "Order Sales Tax,Item Total,Currency,Transaction ID,Listing ID,Date Paid,Order ID,SKU",
            '03/01/26,"Mug, blue",Ann (ann1),2,15.00,,0.00,0.00,4.50,0.00,30.00,USD,3911111111,1111,03/01/2026,'
            "2900001,MUG",
            "03/14/26,Poster,Bob,1,22.00,SPRING,2.20,0.00,4.50,0.00,19.80,USD,3911111112,1112,03/14/2026,2900002,PST",
        ),
        sale("3911111111", "2026-03-01", "Mug, blue", "2", "30.00"),
        sale("3911111112", "2026-03-14", "Poster", "1", "19.80"),
    ),
    export(
        "Amazon, all orders: `item-price` is that of all pieces of a line",
        "amazon.txt",
        export_contract(
            "USD US America/New_York",
            """
            transaction_id: {header: amazon-order-id, required: true}
            sold_at: {header: purchase-date}
            product_id: {header: sku}
            product_category: {header: product-name}
            quantity: {header: quantity}
            total_amount: {header: item-price}
            """,
            "rows: {drop: {no_sale: {column: order-status, in: [Cancelled]}}}",
            "currencies: {column: currency}",
        ),
        lines(
            "amazon-order-id\tmerchant-order-id\tpurchase-date\torder-status\tproduct-name\tsku\tasin\t"
            "quantity\tcurrency\t"
            "item-price\titem-tax\tship-country",
            "111-1\t\t2026-03-01T04:05:06+00:00\tShipped\tLamp\tL1\tB01\t1\tUSD\t39.99\t3.20\tUS",
            "111-2\t\t2026-03-02T14:05:06+00:00\tCancelled\tLamp\tL1\tB01\t0\tUSD\t\t\tUS",
            "111-3\t\t2026-03-03T23:05:06+00:00\tShipped\tDesk\tD1\tB02\t2\tUSD\t240.00\t19.20\tUS",
        ),
        sale("111-1", "2026-02-28 23:05:06", "Lamp", "1", "39.99"),
        sale("111-3", "2026-03-03 18:05:06", "Desk", "2", "240.00"),
        excluded=1,
    ),
    export(
        "PayPal, activity: refunds with a negative amount, and withdrawals, which are no sales",
        "paypal.csv",
        export_contract(
            "GBP GB Europe/London",
            """
            transaction_id: {header: Transaction ID, required: true}
            sold_at: {header: Date, time: Time}
            product_category: {header: Item Title}
            quantity: {header: Quantity}
            total_amount: {header: Gross}
            """,
            "dates: {order: dmy}",
            'numbers: {thousands: ","}',
            "currencies: {column: Currency}",
            "refunds: negative_amount",
            "rows: {drop: {no_sale: {column: Type, in: [General Withdrawal]}}}",
        ),
        lines(
            '\ufeff"Date","Time","TimeZone","Name","Type","Status","Currency","Gross","Fee","Net","Transaction ID",'
            '"Item Title","Item ID","Quantity"',
            '"01/03/2026","10:15:00","Europe/London","Ann","Express Checkout Payment","Completed","GBP","1,'
            '020.00","-35.00",'
            '"985.00","9AB1","Bike","B-1","1"',
            '"20/03/2026","12:15:00","Europe/London","Bob","Payment Refund","Completed","GBP","-20.00","0.98","-19.02",'
            '"9AB3","Bell","B-2","2"',
            '"21/03/2026","12:15:00","Europe/London","","General Withdrawal","Completed","GBP","-900.00","0.00",'
            '"-900.00",'
            '"9AB4","","",""',
        ),
        sale("9AB1", "2026-03-01 10:15:00", "Bike", "1", "1020.00"),
        sale("9AB3", "2026-03-20 12:15:00", "Bell", "-2", "-20.00"),
        excluded=1,
    ),
    export(
        "a German till (DSFinV-K): three decimals of a quantity, five of a price",
        "kasse.csv",
        export_contract(
            "EUR DE Europe/Berlin",
            """
            transaction_id: {compose: [BON_ID, POS_ZEILE], required: true}
            order_id: {header: BON_ID}
            sold_at: {header: Z_ERSTELLUNG}
            product_id: {header: ARTIKELTEXT}
            product_category: {header: WARENGR}
            quantity: {header: MENGE}
            unit_price: {header: STK_BR}
            """,
            'numbers: {decimal: ","}',
        ),
        lines(
            '"Z_KASSE_ID";"Z_ERSTELLUNG";"Z_NR";"BON_ID";"POS_ZEILE";"ARTIKELTEXT";"WARENGR";"MENGE";"STK_BR";"INHAUS"',
            '"K1";"2026-03-01T22:01:15+01:00";"12";"5f";"1";"Bier 0,5l";"Getränke";"2,000";"4,20000";"1"',
            '"K1";"2026-03-01T22:01:15+01:00";"12";"5f";"2";"Schnitzel";"Speisen";"1,000";"15,90000";"1"',
            '"K1";"2026-03-02T22:03:11+01:00";"13";"6a";"1";"Käse";"Speisen";"0,350";"19,90000";"0"',
        ),
        sale("5f-1", "2026-03-01 22:01:15", "Getränke", "2", "8.40"),
        sale("5f-2", "2026-03-01 22:01:15", "Speisen", "1", "15.90"),
        sale("6a-1", "2026-03-02 22:03:11", "Speisen", "0.35", "6.97"),
    ),
    export(
        "a Japanese till in Shift-JIS, with 年月日",
        "pos.csv",
        export_contract(
            "JPY JP Asia/Tokyo",
            """
            transaction_id: {compose: [レシート番号, 商品名], required: true, occurrence: true}
            order_id: {header: レシート番号}
            sold_at: {header: 取引日時}
            product_category: {header: 部門}
            quantity: {header: 数量}
            unit_price: {header: 単価}
            total_amount: {header: 金額}
            """,
            "file: {encoding: shift_jis}",
            'dates: {formats: ["%Y年%m月%d日 %H:%M"]}',
            'numbers: {thousands: ","}',
        ),
        lines(
            "店舗コード,レシート番号,取引日時,商品名,部門,数量,単価,金額,会員番号",
            "001,000123,2026年3月1日 14:05,りんご,青果,3,150,450,M001",
            "001,000123,2026年3月1日 14:05,牛乳,乳製品,1,230,230,M001",
            '001,000124,2026年3月22日 09:15,食パン,ベーカリー,2,"1,180","2,360",',
            encoding="shift_jis",
        ),
        sale("000123-りんご-1", "2026-03-01 14:05:00", "青果", "3", "450"),
        sale("000123-牛乳-1", "2026-03-01 14:05:00", "乳製品", "1", "230"),
        sale("000124-食パン-1", "2026-03-22 09:15:00", "ベーカリー", "2", "2360"),
    ),
    export(
        "a Chinese shop in GB18030, with ￥",
        "orders.csv",
        export_contract(
            "CNY CN Asia/Shanghai",
            """
            transaction_id: {header: 订单号, required: true}
            sold_at: {header: 下单时间}
            product_category: {header: 商品类别}
            quantity: {header: 数量}
            unit_price: {header: 单价}
            total_amount: {header: 实付金额}
            """,
            "file: {encoding: gb18030}",
            'numbers: {thousands: ","}',
        ),
        lines(
            "订单号,下单时间,商品类别,数量,单价,实付金额",
            "20260301001,2026/3/1 8:05,水果,3,￥15.00,￥45.00",
            '20260315003,2026/3/15 12:00,饮料,1,"￥1,200.00","￥1,200.00"',
            encoding="gb18030",
        ),
        sale("20260301001", "2026-03-01 08:05:00", "水果", "3", "45.00"),
        sale("20260315003", "2026-03-15 12:00:00", "饮料", "1", "1200.00"),
    ),
    export(
        "a Brazilian shop: `R$ 1.234,56`, semicolons, cp1252",
        "vendas.csv",
        export_contract(
            "BRL BR America/Sao_Paulo",
            """
            transaction_id: {header: Pedido, required: true}
            sold_at: {header: Data da Venda}
            product_category: {header: Categoria}
            quantity: {header: Qtde}
            unit_price: {header: Valor Unitário}
            total_amount: {header: Valor Total}
            """,
            "file: {encoding: cp1252}",
            'numbers: {decimal: ",", thousands: "."}',
        ),
        lines(
            "Pedido;Data da Venda;Cliente;Categoria;Produto;Qtde;Valor Unitário;Valor Total",
            "P-100;05/03/2026;João;Eletrônicos;Fone;2;R$ 1.234,56;R$ 2.469,12",
            "P-102;28/03/2026;Zé;Casa;Copo;10;R$ 4,50;R$ 45,00",
            encoding="cp1252",
        ),
        sale("P-100", "2026-03-05", "Eletrônicos", "2", "2469.12"),
        sale("P-102", "2026-03-28", "Casa", "10", "45.00"),
    ),
    export(
        "a Swiss shop: `1'234.50`, the currency in the header",
        "swiss.csv",
        export_contract(
            "CHF CH Europe/Zurich",
            """
            transaction_id: {header: Beleg, required: true}
            sold_at: {header: Datum}
            product_category: {header: Artikelgruppe}
            quantity: {header: Menge}
            unit_price: {header: Preis CHF}
            total_amount: {header: Total CHF}
            """,
            'numbers: {thousands: "\'"}',
        ),
        lines(
            "Beleg;Datum;Artikelgruppe;Menge;Preis CHF;Total CHF",
            "1;01.03.2026;Uhren;1;1'234.50;1'234.50",
            "3;31.03.2026;Uhren;2;12'000.00;24'000.00",
        ),
        sale("1", "2026-03-01", "Uhren", "1", "1234.50"),
        sale("3", "2026-03-31", "Uhren", "2", "24000.00"),
    ),
    export(
        "a Polish shop: `1 234,56 zł`, with plain and no-break spaces",
        "polska.csv",
        export_contract(
            "PLN PL Europe/Warsaw",
            """
            transaction_id: {header: Nr paragonu, required: true}
            sold_at: {header: Data sprzedaży}
            product_category: {header: Kategoria}
            quantity: {header: Ilość}
            unit_price: {header: Cena brutto}
            total_amount: {header: Wartość brutto}
            """,
            'numbers: {decimal: ",", thousands: " "}',
        ),
        lines(
            "\ufeffNr paragonu;Data sprzedaży;Kategoria;Ilość;Cena brutto;Wartość brutto",
            "PAR/1/2026;2026-03-01;Książki;2;617,28 zł;1\u00a0234,56 zł",
            "PAR/3/2026;2026-03-03;Zabawki;100;25,00 zł;2 500,00 zł",
        ),
        sale("PAR/1/2026", "2026-03-01", "Książki", "2", "1234.56"),
        sale("PAR/3/2026", "2026-03-03", "Zabawki", "100", "2500.00"),
    ),
    export(
        "an Indian shop: lakh and crore, `₹12,34,567.00`",
        "india.csv",
        export_contract(
            "INR IN Asia/Kolkata",
            """
            transaction_id: {header: Invoice No, required: true}
            sold_at: {header: Invoice Date}
            product_category: {header: Product Category}
            quantity: {header: Qty}
            unit_price: {header: Rate}
            total_amount: {header: Amount (₹)}
            """,
            'dates: {formats: ["%d-%b-%Y"]}',
            'numbers: {thousands: ",", grouping: indian}',
        ),
        lines(
            "Invoice No,Invoice Date,Customer Name,Product Category,Qty,Rate,Amount (₹)",
            'INV/25-26/001,01-Mar-2026,Ravi,Jewellery,1,"₹1,23,456.00","₹1,23,456.00"',
            'INV/25-26/003,31-Mar-2026,Om,Sarees,3,"₹10,00,000.00","₹30,00,000.00"',
        ),
        sale("INV/25-26/001", "2026-03-01", "Jewellery", "1", "123456.00"),
        sale("INV/25-26/003", "2026-03-31", "Sarees", "3", "3000000.00"),
    ),
    export(
        "a French till: `1 012,50 €`, prices with tax",
        "ventes.csv",
        export_contract(
            "EUR FR Europe/Paris",
            """
            transaction_id: {header: N° ticket, required: true}
            sold_at: {header: Date}
            product_category: {header: Rayon}
            quantity: {header: Qté}
            unit_price: {header: P.U. TTC}
            total_amount: {header: Montant TTC}
            """,
            "file: {encoding: cp1252}",
            'numbers: {decimal: ",", thousands: " "}',
        ),
        lines(
            "N° ticket;Date;Heure;Rayon;Libellé;Qté;P.U. TTC;Montant TTC",
            "000451;01/03/2026;09h15;Épicerie;Café moulu;2;4,95 €;9,90 €",
            "000452;15/03/2026;18h02;Frais;Fromage;1;1 012,50 €;1 012,50 €",
            encoding="cp1252",
        ),
        sale("000451", "2026-03-01", "Épicerie", "2", "9.90"),
        sale("000452", "2026-03-15", "Frais", "1", "1012.50"),
    ),
    export(
        "a Turkish shop: names of months, `₺1.250,00`",
        "satis.csv",
        export_contract(
            "TRY TR Europe/Istanbul",
            """
            transaction_id: {header: Fiş No, required: true}
            sold_at: {header: Tarih}
            product_category: {header: Kategori}
            quantity: {header: Adet}
            unit_price: {header: Birim Fiyat}
            total_amount: {header: Tutar}
            """,
            'dates: {language: tr, formats: ["%d %B %Y"]}',
            'numbers: {decimal: ",", thousands: "."}',
        ),
        lines(
            "Fiş No;Tarih;Kategori;Adet;Birim Fiyat;Tutar",
            "F2;15 Şubat 2026;Giyim;1;₺1.250,00;₺1.250,00",
            "F3;31 Ağustos 2026;Gıda;4;₺10,00;₺40,00",
        ),
        sale("F2", "2026-02-15", "Giyim", "1", "1250.00"),
        sale("F3", "2026-08-31", "Gıda", "4", "40.00"),
    ),
    export(
        "dates with their weekday, which proves that the day comes first",
        "pipe.txt",
        export_contract(
            "EUR IE Europe/Dublin",
            """
            transaction_id: {compose: [Sold on, Dept], required: true, occurrence: true}
            sold_at: {header: Sold on}
            product_category: {header: Dept}
            quantity: {header: Pcs}
            total_amount: {header: Total EUR}
            """,
            'dates: {formats: ["%a %d/%m/%Y"]}',
            'numbers: {thousands: " "}',
        ),
        lines(
            "Line | Sold on | Dept | Pcs | Total EUR",
            "1 | Mon 02/03/2026 | Toys | 2 | 1 234.50",
            "2 | Thu 05/03/2026 | Food | 1 | 5.00",
        ),
        sale("Mon 02/03/2026-Toys-1", "2026-03-02", "Toys", "2", "1234.50"),
        sale("Thu 05/03/2026-Food-1", "2026-03-05", "Food", "1", "5.00"),
    ),
    export(
        "JSON lines of a web shop, in camel case",
        "events.jsonl",
        export_contract(
            "EUR DE Europe/Berlin",
            """
            transaction_id: {compose: [orderId, sku], required: true, occurrence: true}
            order_id: {header: orderId}
            sold_at: {header: createdAt}
            customer_id: {header: customerId}
            product_category: {header: productCategory}
            quantity: {header: quantity}
            unit_price: {header: unitPrice}
            total_amount: {header: lineTotal}
            """,
            "currencies: {column: currency}",
        ),
        lines(
            '{"orderId":"o1","createdAt":"2026-03-01T10:00:00Z","customerId":7,"sku":"A1","productCategory":"Toys",'
            '"quantity":2,"unitPrice":5.5,"lineTotal":11.0,"currency":"EUR"}',
            '{"orderId":"o1","createdAt":"2026-03-01T10:00:00Z","customerId":7,"sku":"B2","productCategory":"Books",'
            '"quantity":1,"unitPrice":9.99,"lineTotal":9.99,"currency":"EUR"}',
        ),
        sale("o1-A1-1", "2026-03-01 11:00:00", "Toys", "2", "11.00", customer_id="7"),
        sale("o1-B2-1", "2026-03-01 11:00:00", "Books", "1", "9.99"),
    ),
    export(
        "a workbook with merged titles, headers of two lines and a total",
        "report.xlsx",
        export_contract(
            "USD US America/New_York",
            """
            transaction_id: {header: Order No, required: true}
            sold_at: {header: Order Date}
            customer_id: {header: Customer}
            product_category: {header: "Product\\nCategory"}
            quantity: {header: Qty}
            unit_price: {header: "Unit\\nPrice"}
            total_amount: {header: Line Total}
            """,
            "file: {skip_top: 3, skip_bottom: 1}",
        ),
        _workbook,
        sale("A1", "2026-03-01", "Toys", "2", "10.50", customer_id="Ann"),
        sale("A2", "2026-03-14", "Books", "1", "20.00"),
        sale("A3", "2026-03-31", "Toys", "3", "15.75", customer_id=None),
    ),
)
