"""Sales of any number of lines, made within DuckDB: two years of a shop with stores, hours, genders and age bands."""

from __future__ import annotations

LAST_DAY = "2023-12-31"
DAYS, STORES, CATEGORIES, LINES_PER_ORDER, LINES_PER_CUSTOMER = 730, 50, 40, 5, 100


def lines(rows: int) -> str:
    """Return the SELECT of so many lines; the same number gives the same lines.

    Numbers are drawn from hashes, so that each line is known by its own number and nothing depends on the order. Some
    categories, customers and weekdays sell more than others, and December more than other months.
    """
    customers = max(rows // LINES_PER_CUSTOMER, 20)

    def drawn(what: str, of: str) -> str:
        """A number from 0 to 1 for a purpose and a key."""
        return f"((hash('{what}', {of}) >> 11) / 9007199254740992.0)"

    return f"""
        with numbered as (
            select range as line, range // {LINES_PER_ORDER} as order_number from range({rows})
        ), dated as (
            select *, cast(floor({customers} * pow({drawn("customer", "order_number")}, 2)) as bigint) as customer,
                date '{LAST_DAY}' - cast(floor({DAYS} * pow({drawn("day", "order_number")}, 1.1)) as integer)
                    as sale_date
            from numbered
        )
        select
            cast(line as varchar) as transaction_id,
            cast(order_number as varchar) as order_id,
            sale_date + to_hours(cast(8 + floor(12 * {drawn("hour", "order_number")}) as bigint)) as sold_at,
            sale_date,
            concat('C', lpad(cast(customer as varchar), 7, '0')) as customer_id,
            case when hash('gender', customer) % 2 = 0 then 'Female' else 'Male' end as gender,
            case hash('age', customer) % 4 when 0 then '19-24' when 1 then '25-34' when 2 then '35-54' else '55+' end
                as age_group,
            concat('P', cast(hash('product', line) % 2000 as varchar)) as product_id,
            concat('Category ', cast(1 + floor({CATEGORIES} * pow({drawn("category", "line")}, 3)) as integer))
                as product_category,
            1 as quantity,
            amount as unit_price,
            amount as total_amount,
            concat('S', cast(hash('store', order_number) % {STORES} as varchar)) as store_id
        from (select *, cast(round(1 + 20 * pow({drawn("amount", "line")}, 3)
            * case when month(sale_date) = 12 then 1.3 else 1 end, 2) as decimal(18, 2)) as amount from dated)
        """
