"""Files of shops in further countries, in their languages, encodings and notations; a draft reads each as here."""

from __future__ import annotations

from benchmarks.door.case import Case, lines, sale
from benchmarks.door.export_cases import export, export_contract

CASES: tuple[Case, ...] = (
    export(
        "eBay, orders: `US $1,234.50`, `Mar-01-26`, a blank line first and two lines of something else at the end",
        "ebay.csv",
        export_contract(
            "USD US America/New_York",
            """
            transaction_id: {header: Order Number, required: true}
            sold_at: {header: Sale Date}
            product_category: {header: Item Title}
            quantity: {header: Quantity}
            total_amount: {header: Sold For}
            """,
            "file: {skip_top: 1}",
            'dates: {formats: ["%b-%d-%y"]}',
            'numbers: {thousands: ","}',
        ),
        lines(
            "",
            '"Sales Record Number","Order Number","Buyer Username","Item Number","Item Title","Quantity","Sold For",'
            '"Shipping And Handling","Sale Date"',
            "",
            '"1201","11-00001","ann1","3300001","Lamp, brass","1","US $1,234.50","US $10.00","Mar-01-26"',
            '"1202","11-00002","bob2","3300002","Vase","2","US $15.00","US $5.00","Mar-14-26"',
            '"2","record(s) downloaded","from Mar-01-26 to Mar-31-26"',
        ),
        sale("11-00001", "2026-03-01", "Lamp, brass", "1", "1234.50"),
        sale("11-00002", "2026-03-14", "Vase", "2", "15.00"),
        rejected={"malformed_row": 1},
    ),
    export(
        "a ledger with days as `20260301`",
        "ledger.csv",
        export_contract(
            "USD US America/New_York",
            """
            transaction_id: {header: TRX_NO, required: true}
            sold_at: {header: TRX_DATE}
            product_category: {header: DEPT}
            quantity: {header: QTY}
            total_amount: {header: AMT}
            """,
            'dates: {formats: ["%Y%m%d"]}',
        ),
        lines("TRX_NO,TRX_DATE,DEPT,QTY,AMT", "1001,20260301,TOYS,2,10.00", "1002,20260315,FOOD,1,7.50"),
        sale("1001", "2026-03-01", "TOYS", "2", "10.00"),
        sale("1002", "2026-03-15", "FOOD", "1", "7.50"),
    ),
    export(
        "a Czech shop: `1. 3. 2026`, `1 234,50 Kč`",
        "cesko.csv",
        export_contract(
            "CZK CZ Europe/Prague",
            """
            transaction_id: {header: Číslo dokladu, required: true}
            sold_at: {header: Datum prodeje}
            product_category: {header: Kategorie}
            quantity: {header: Množství}
            unit_price: {header: Cena}
            total_amount: {header: Celkem}
            """,
            'dates: {formats: ["%d. %m. %Y"]}',
            'numbers: {decimal: ",", thousands: " "}',
        ),
        lines(
            "Číslo dokladu;Datum prodeje;Kategorie;Množství;Cena;Celkem",
            "D1;1. 3. 2026;Hračky;2;617,25 Kč;1 234,50 Kč",
            "D2;15. 3. 2026;Knihy;1;199,00 Kč;199,00 Kč",
        ),
        sale("D1", "2026-03-01", "Hračky", "2", "1234.50"),
        sale("D2", "2026-03-15", "Knihy", "1", "199.00"),
    ),
    export(
        "a Czech shop in cp1250",
        "cesko1250.csv",
        export_contract(
            "CZK CZ Europe/Prague",
            """
            transaction_id: {header: Číslo dokladu, required: true}
            sold_at: {header: Datum prodeje}
            product_category: {header: Kategorie}
            quantity: {header: Množství}
            total_amount: {header: Celkem}
            """,
            "file: {encoding: cp1250}",
            "dates: {order: dmy}",
            'numbers: {decimal: ","}',
        ),
        lines(
            "Číslo dokladu;Datum prodeje;Kategorie;Množství;Celkem",
            "D1;01.03.2026;Hračky;2;234,50 Kč",
            "D2;15.03.2026;Knížky;1;199,00 Kč",
            encoding="cp1250",
        ),
        sale("D1", "2026-03-01", "Hračky", "2", "234.50"),
        sale("D2", "2026-03-15", "Knížky", "1", "199.00"),
    ),
    export(
        "a Hungarian shop: `2026.03.01.`, `12 990 Ft`",
        "magyar.csv",
        export_contract(
            "HUF HU Europe/Budapest",
            """
            transaction_id: {header: Bizonylatszám, required: true}
            sold_at: {header: Dátum}
            product_category: {header: Termékcsoport}
            quantity: {header: Mennyiség}
            unit_price: {header: Egységár}
            total_amount: {header: Összeg}
            """,
            'dates: {formats: ["%Y.%m.%d."]}',
            'numbers: {thousands: " "}',
        ),
        lines(
            "\ufeffBizonylatszám;Dátum;Termékcsoport;Mennyiség;Egységár;Összeg",
            "B1;2026.03.01.;Játék;2;1 250 Ft;2 500 Ft",
            "B2;2026.03.15.;Könyv;1;12 990 Ft;12 990 Ft",
        ),
        sale("B1", "2026-03-01", "Játék", "2", "2500"),
        sale("B2", "2026-03-15", "Könyv", "1", "12990"),
    ),
    export(
        "a Swedish shop in cp1252: `1 234,50 kr`",
        "sverige.csv",
        export_contract(
            "SEK SE Europe/Stockholm",
            """
            transaction_id: {header: Kvittonr, required: true}
            sold_at: {header: Datum}
            product_category: {header: Varugrupp}
            quantity: {header: Antal}
            unit_price: {header: Á-pris}
            total_amount: {header: Summa}
            """,
            "file: {encoding: cp1252}",
            'numbers: {decimal: ",", thousands: " "}',
        ),
        lines(
            "Kvittonr;Datum;Varugrupp;Antal;Á-pris;Summa",
            "1;2026-03-01;Leksaker;2;617,25 kr;1 234,50 kr",
            "2;2026-03-15;Böcker;1;199,00 kr;199,00 kr",
            encoding="cp1252",
        ),
        sale("1", "2026-03-01", "Leksaker", "2", "1234.50"),
        sale("2", "2026-03-15", "Böcker", "1", "199.00"),
    ),
    export(
        "a Korean shop in EUC-KR: `25,000원`",
        "korea.csv",
        export_contract(
            "KRW KR Asia/Seoul",
            """
            transaction_id: {header: 주문번호, required: true}
            sold_at: {header: 주문일시}
            product_category: {header: 카테고리}
            quantity: {header: 수량}
            unit_price: {header: 단가}
            total_amount: {header: 결제금액}
            """,
            "file: {encoding: euc_kr}",
            'numbers: {thousands: ","}',
        ),
        lines(
            "주문번호,주문일시,카테고리,수량,단가,결제금액",
            'A-1,2026-03-01 14:05:00,장난감,2,"12,500원","25,000원"',
            'A-2,2026-03-15 09:15:00,도서,1,"18,000원","18,000원"',
            encoding="euc_kr",
        ),
        sale("A-1", "2026-03-01 14:05:00", "장난감", "2", "25000"),
        sale("A-2", "2026-03-15 09:15:00", "도서", "1", "18000"),
    ),
    export(
        "an Indonesian shop: `Rp1.250.000`, points between thousands and no decimals",
        "indonesia.csv",
        export_contract(
            "IDR ID Asia/Jakarta",
            """
            transaction_id: {header: No. Pesanan, required: true}
            sold_at: {header: Tanggal}
            product_category: {header: Kategori Produk}
            quantity: {header: Jumlah}
            unit_price: {header: Harga Satuan}
            total_amount: {header: Total Harga}
            """,
            "dates: {order: dmy}",
            'numbers: {decimal: ",", thousands: "."}',
        ),
        lines(
            "No. Pesanan,Tanggal,Kategori Produk,Jumlah,Harga Satuan,Total Harga",
            "INV1,01/03/2026 10:00,Mainan,2,Rp125.000,Rp250.000",
            "INV2,15/03/2026 11:00,Buku,1,Rp1.250.000,Rp1.250.000",
        ),
        sale("INV1", "2026-03-01 10:00:00", "Mainan", "2", "250000"),
        sale("INV2", "2026-03-15 11:00:00", "Buku", "1", "1250000"),
        note="Without `decimal`, a draft read Rp250.000 as 250.",
    ),
    export(
        "a Russian till in cp1251",
        "russia.csv",
        export_contract(
            "RUB RU Europe/Moscow",
            """
            transaction_id: {header: Номер чека, required: true}
            sold_at: {header: Дата}
            product_category: {header: Категория}
            quantity: {header: Количество}
            unit_price: {header: Цена}
            total_amount: {header: Сумма}
            """,
            "file: {encoding: cp1251}",
            "dates: {order: dmy}",
            'numbers: {decimal: ",", thousands: " "}',
        ),
        lines(
            "Номер чека;Дата;Категория;Количество;Цена;Сумма",
            "Ч-1;01.03.2026 14:05:33;Игрушки;2;617,25;1 234,50",
            "Ч-2;15.03.2026 09:15:00;Книги;1;199,00;199,00",
            encoding="cp1251",
        ),
        sale("Ч-1", "2026-03-01 14:05:33", "Игрушки", "2", "1234.50"),
        sale("Ч-2", "2026-03-15 09:15:00", "Книги", "1", "199.00"),
    ),
    export(
        "a Spanish till in cp1252, abbreviated headers",
        "ventas.csv",
        export_contract(
            "EUR ES Europe/Madrid",
            """
            transaction_id: {header: Nº Factura, required: true}
            sold_at: {header: Fecha, time: Hora}
            product_category: {header: Familia}
            quantity: {header: Uds.}
            unit_price: {header: P.V.P.}
            total_amount: {header: Importe}
            """,
            "file: {encoding: cp1252}",
            "dates: {order: dmy}",
            'numbers: {decimal: ",", thousands: "."}',
        ),
        lines(
            "Nº Factura;Fecha;Hora;Familia;Uds.;P.V.P.;Importe",
            "F-1;01/03/2026;14:05;Juguetes;2;617,25 €;1.234,50 €",
            "F-2;15/03/2026;09:15;Libros;1;19,90 €;19,90 €",
            encoding="cp1252",
        ),
        sale("F-1", "2026-03-01 14:05:00", "Juguetes", "2", "1234.50"),
        sale("F-2", "2026-03-15 09:15:00", "Libros", "1", "19.90"),
    ),
)
