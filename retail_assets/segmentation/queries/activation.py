"""The customers of one persona, highest spenders first, a page at a time."""

from __future__ import annotations

from retail_assets.tables import CUSTOMER_SEGMENTS

MEMBERS = f"""
select * from (
    select customer_id, persona, confidence, tags, favourite_category, lapsed_risk, frequency, monetary,
        average_basket, last_sale_date, row_number() over (order by monetary desc, customer_id) as value_rank
    from {CUSTOMER_SEGMENTS.name}
    where persona = ?
) as ranked
where value_rank > ? and value_rank <= ?
"""
"""Customers of a persona after one rank of spend and up to another; parameters: persona, rank, rank. Unordered."""
