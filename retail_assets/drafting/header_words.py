"""What shops call their columns: header words by canonical column, in several languages, the most telling first.

Words are compared as headers are in contracts: without case, spaces, `_` and `-`. Data only.
"""

from __future__ import annotations

import re

from retail_assets.contracts.header_names import normalize_header
from retail_assets.landing.inspection.other_currencies import HEADERS as CURRENCY_HEADERS

#: English, then German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Chinese and Japanese.
_WORDS: dict[str, str] = {
    "transaction_id": """
        transaction id, transaction, transaction no, transaction number, txn id, row id, line id, order line id,
        order item id, lineitem id, line item id, sale id, sales id, id, uid, receipt line, balance transaction
        id, payment id, charge id, index, vorgangsnummer, transaktionsnummer, id transaction, id transacción, id
        transaccion, id transação, id transacao, id transazione, transactienummer, id transakcji, işlem no,
        numéro de ligne, 交易编号, 交易号, 取引番号
    """,
    "order_id": """
        order id, order no, order number, order, order reference, invoice id, invoice no, invoice number,
        invoice, bill no, bill number, receipt no, receipt number, receipt id, receipt, basket id, basket,
        ticket, ticket number, name, sale number, bestellnummer, auftragsnummer, rechnungsnummer, belegnummer,
        bonnummer, bon id, bon, beleg, commande, numéro de commande, numero de commande, n° commande, facture,
        numéro de facture, pedido, número de pedido, numero de pedido, factura, fatura, ordine, numero ordine,
        fattura, scontrino, bestelnummer, factuurnummer, zamówienie, numer zamówienia, sipariş no, fatura no,
        fiş no, fiş, paragon, nr paragonu, numer paragonu, 订单编号, 订单号, 注文番号, レシート番号, 伝票番号,
        小票号, 流水号, trx no, trx id, sales record number, numero scontrino, nº factura, kvittonr,
        kvitteringsnr, kvittering, ordernr, ordrenr, číslo dokladu, číslo objednávky, bizonylatszám,
        rendelésszám, nr comandă, număr bon, номер чека, чек, номер заказа, заказ, no pesanan, nomor pesanan, no
        faktur, 주문번호, 영수증번호, 거래번호
    """,
    "sold_at": """
        order date, transaction date, sale date, sales date, sold at, invoice date, invoicedate, purchase date,
        date of sale, date of purchase, created date utc, created at, created, created utc, created on, paid at,
        payment date, order purchase timestamp, order timestamp, timestamp, datetime, date time, date,
        transaction time, order time, day, time, week, month, bestelldatum, verkaufsdatum, rechnungsdatum,
        belegdatum, kaufdatum, datum, tag, zeitpunkt, date de commande, date de vente, date facture, date
        commande, fecha de pedido, fecha de venta, fecha pedido, fecha, data do pedido, data da venda, data,
        data ordine, data vendita, besteldatum, verkoopdatum, data zamówienia, data sprzedaży, sipariş tarihi,
        satış tarihi, tarih, 订单日期, 销售日期, 日期, 下单时间, 付款时间, 注文日, 売上日, 取引日時, 販売日,
        日時, 日付, trx date, dato, salgsdato, försäljningsdatum, datum prodeje, datum objednávky, dátum, eladás
        dátuma, data vânzării, дата, дата продажи, дата заказа, tanggal, tanggal pesanan, 주문일시, 주문일,
        주문일자, 결제일, 판매일, 거래일시, 날짜, 일자
    """,
    "customer_id": """
        customer id, customerid, customer no, customer number, client id, user id, member id, account id, buyer
        id, household id, customer, client, buyer, email, customer email, e mail, user, customer name, billing
        name, kundennummer, kunden nr, kundennr, kunde, client n°, numéro client, id client, id cliente,
        cliente, código cliente, codigo cliente, klantnummer, klant, klient, numer klienta, müşteri no, müşteri,
        客户编号, 客户, 会员号, 会員番号, 顧客番号, 顧客, buyer username, kund, kundnr, kunde nr, kundenummer,
        zákazník, vevő, client nr, клиент, покупатель, pelanggan, 고객번호, 고객, 회원번호
    """,
    "product_id": """
        product id, productid, product code, sku, lineitem sku, stock code, stockcode, item id, item code, item
        no, item number, asin, listing id, artikeltext, article no, article number, barcode, ean, upc, product
        no, product number, product name, lineitem name, product, item, item name, article, description,
        artikelnummer, artikel nr, artikel, référence, reference, ref, référence produit, produit, código de
        producto, codigo producto, producto, código do produto, produto, codice prodotto, prodotto, articolo,
        artikelcode, kod produktu, produkt, ürün kodu, ürün, 产品编号, 商品编号, 商品, 产品, 商品コード, 商品名,
        vara, varenr, varenummer, artikelnr, produktnr, výrobek, zboží, termék, cikkszám, produs, товар,
        артикул, номенклатура, produk, nama produk, 상품코드, 상품명, 상품
    """,
    "product_category": """
        product category, category, category name, item category, product line, product type, product group,
        department, dept, department name, family, item family, product family, class, type of product, item
        type, group, vendor, brand, genre, section, coffee name, product, product name, lineitem name, item,
        item name, item title, title, item purchased, description, type, warengruppe, produktkategorie,
        kategorie, sparte, abteilung, produktgruppe, catégorie, categorie, rayon, famille, warengr,
        artikelgruppe, categoría, categoria, categoría de producto, rubro, sección, departamento, reparto,
        productgroep, kategoria, kategori, ürün kategorisi, 产品类别, 商品类别, 商品分类, 类别, 品类, 分类,
        カテゴリ, 分類, 部門, familia, varugrupp, varegruppe, produktgrupp, kategorie zboží, skupina,
        termékcsoport, kategória, categorie, grupă, категория, группа, группа товаров, kategori produk,
        카테고리, 상품분류, 분류
    """,
    "quantity": """
        quantity, qty, quantity ordered, order quantity, lineitem quantity, units, units sold, pieces, pcs,
        items, item count, no of items, number of items, count, volume, quantity sold, menge, anzahl, stück,
        stueck, stückzahl, quantité, quantite, qté, qte, nombre, cantidad, unidades, quantidade, qtd, qtde,
        quantità, quantita, pezzi, aantal, hoeveelheid, ilość, ilosc, sztuk, miktar, adet, 数量, 件数, 個数,
        uds, unid, antal, antall, množství, počet, ks, mennyiség, darab, db, cantitate, количество, кол во,
        jumlah, kuantitas, 수량
    """,
    "unit_price": """
        unit price, price per unit, price each, priceeach, unitprice, lineitem price, item price, item cost, stk
        br, pu, pu ttc, pu ht, price per item, sale price, selling price, sales price, price, retail price, list
        price, rate, mrp, einzelpreis, stückpreis, preis, preis pro stück, vk preis, prix unitaire, prix, precio
        unitario, precio, preço unitário, preco unitario, preço, preco, valor unitário, prezzo unitario, prezzo,
        stukprijs, prijs, cena jednostkowa, cena, birim fiyat, fiyat, 单价, 价格, 単価, 価格, pvp, á pris, à
        pris, apris, pris, stykpris, enhetspris, enhedspris, cena za kus, cena, egységár, ár, preț, preț unitar,
        цена, harga, harga satuan, 단가, 판매가, 가격
    """,
    "total_amount": """
        total amount, amount, item total, line amount, total, line total, linetotal, sales, total sales, total
        price, sales amount, net sales, revenue, total revenue, net amount, gross amount, weekly sales, sales
        value, sales total, sale amount, turnover, total spent, amount spent, purchase amount, purchase amount
        usd, purchase amount $, money, spend, value, payment value, transaction amount, order total, grand
        total, subtotal, total cost, gross sales, betrag, gesamtbetrag, gesamt, gesamtpreis, umsatz, summe,
        montant, montant total, prix total, chiffre d affaires, ventes, importe, monto, importe total, total
        venta, ventas, venta, valor total, valor, vendas, importo, totale, vendite, ricavo, bedrag,
        totaalbedrag, totaal, omzet, kwota, wartość, suma, sprzedaż, tutar, toplam tutar, toplam, 销售额, 金额,
        总金额, 实付金额, 应付金额, 金額, 売上, 合計, gross, net, amt, sold for, summa, belopp, beløb, beløp,
        celkem, částka, összeg, bruttó, valoare, sumă, сумма, итого, стоимость, total harga, total bayar,
        결제금액, 금액, 총금액, 매출, 매출액, 합계
    """,
    "store_id": """
        store id, store, store location, store no, store number, store name, shop, shop id, shop name, shopping
        mall, branch, branch id, outlet, outlet id, location, location id, site, pos, till, register, filiale,
        filial nr, laden, markt, magasin, point de vente, tienda, sucursal, loja, filial, negozio, punto
        vendita, winkel, filiaal, sklep, mağaza, şube, 门店, 店铺, 店舗, 店舗コード, butik, butikk, prodejna,
        üzlet, bolt, magazin, магазин, филиал, toko, cabang, 매장, 지점
    """,
    "gender": """
        gender, sex, customer gender, geschlecht, sexe, genre, género, genero, sexo, genere, sesso, geslacht,
        płeć, cinsiyet, 性别, 性別
    """,
    "age": """
        age, customer age, alter, âge, edad, idade, età, eta, leeftijd, wiek, yaş, 年龄, 年齢
    """,
    "age_group": """
        age group, age band, age range, altersgruppe, tranche d âge, grupo de edad, faixa etária
    """,
    # Not canonical columns, but what a contract can say about rows.
    "order_line": """
        line, line no, line number, order line, item number in order, position, pos, positionsnummer, pos zeile,
        zeile, order item id, ligne, línea, linea, regel
    """,
    "discount": """
        lineitem discount, discount, discounts, discount amount, discount percent, discount rate, discount %,
        rabatt, remise, descuento, desconto, sconto, korting, rabat, indirim
    """,
    "tax": """
        tax, tax 5%, tax amount, taxes, vat, vat amount, gst, sales tax, mwst, steuer, ust, tva, iva, impuesto,
        imposto, btw, kdv
    """,
    "status": """
        status, order status, financial status, payment status, state, sale status, transaction status,
        bestellstatus, statut, estado, stato, event type, transaction type, type
    """,
    "currency": CURRENCY_HEADERS,
    "country": """
        country, ship country, country region, shipping country, billing country, land, pays, país, pais, paese,
        kraj, ülke, 国家, 国
    """,
    "clock": """
        time, hour, time of day, transaction time, sale time, uhrzeit, zeit, heure, hora, ora, tijd, godzina,
        saat, 时间, 時刻, ora vendita, tid, čas, idő, время, jam, waktu, 시간
    """,
}  # fmt: skip


def key_of(header: str) -> str:
    """Return a header with its letters and digits only, in one case.

    >>> key_of("Created date (UTC)")
    'createddateutc'
    """
    return re.sub(r"[\W_]+", "", normalize_header(header))


def _forms(key: str) -> tuple[str, ...]:
    """Return a word and its abbreviations: `rechnungsnummer` is also written `Rechnungs-Nr.` and `Rechnung Nr`."""
    if not key.endswith("nummer"):
        return (key,)
    stem = key.removesuffix("nummer")
    return key, f"{stem}nr", f"{stem.removesuffix('s')}nr"


#: Normalized words by column, the most telling first.
WORDS: dict[str, tuple[str, ...]] = {
    column: tuple(dict.fromkeys(form for word in text.split(",") if key_of(word) for form in _forms(key_of(word))))
    for column, text in _WORDS.items()
}


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _commas(text: str) -> list[str]:
    return text.split(",")


#: Words that say what one piece costs: a price under another name may be that of all pieces of the row.
OF_ONE_PIECE = frozenset(
    key_of(word)
    for word in _commas(
        """
        unit price, price per unit, price each, lineitem price, price per item, item cost, einzelpreis,
        stückpreis, preis pro stück, prix unitaire, pu, pu ttc, pu ht, stk br, precio unitario, preço unitário,
        valor unitário, prezzo unitario, stukprijs, cena jednostkowa, birim fiyat, 单价, 単価, pvp, á pris,
        stykpris, enhetspris, enhedspris, egységár, harga satuan, 단가
        """
    )
)
#: Ends of compounds, by column: `Verkaufspreis`, `Rechnungsbetrag`.
ENDINGS: dict[str, tuple[str, ...]] = {
    "sold_at": ("datum",),
    "unit_price": ("preis", "prijs"),
    "total_amount": ("betrag", "umsatz", "bedrag"),
    "quantity": ("menge", "anzahl", "aantal"),
    "product_category": ("gruppe", "kategorie", "groep", "categorie"),
}
#: Words of so many things that alone, within a longer header, they say nothing.
VAGUE = _set(
    """
        name id index pos type group line class day week month time count value net gross title user state items rate
        description ref data bon
    """
)
_MONEY_BESIDE = _set(
    """
        discount discounts tax taxes vat gst shipping freight postage fee fees refund refunded coupon tip tips profit
        margin commission balance due outstanding rabatt steuer mwst ust versand gebühr remise taxe tva frais iva envío
        descuento desconto frete imposto sconto korting btw rabat kdv indirim kargo
    """
)
_ABOUT_OTHERS = _set(
    """
        note notes comment status date time type amount total subtotal price cost country city state phone address age
        gender since segment source currency method discount shipping tax refund quantity category reason rating
    """
)
#: Words that, in a header which only contains a telling word, say that it is about something else.
NOT_ABOUT: dict[str, frozenset[str]] = {
    **dict.fromkeys(("total_amount", "unit_price"), _MONEY_BESIDE | _set("number no nr id record code date name rank")),
    **dict.fromkeys(("transaction_id", "order_id", "customer_id", "store_id"), _ABOUT_OTHERS),
    "product_id": _ABOUT_OTHERS
    | _set(
        """
        line group department family class kategori kategorie kategória categoria categoría catégorie категория группа
        类别 分类 分類 品类 数量 単価 单价
        """
    ),
}

#: Words in a status that say that no sale came of the row. The beginnings of words, in lower case.
NO_SALE = (
    "cancel", "canceled", "cancelled", "void", "fail", "declin", "reject", "abandon", "expired", "draft",
    "withdraw", "payout", "storniert", "annul", "anul", "cancelad", "iptal", "geannuleerd", "anulowan", "取消", "失败",
)  # fmt: skip
#: Parts of a status (`partially_refunded`) of which a person must say whether the row is a sale.
PERHAPS_NO_SALE = (
    "refund", "return", "pending", "unpaid", "hold", "dispute", "chargeback", "processing", "transfer", "conversion",
    "adjustment", "erstattet",
)  # fmt: skip
