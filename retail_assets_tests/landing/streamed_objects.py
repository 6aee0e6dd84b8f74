"""Objects of a stream at random: good records and bad ones, other keys, columns in another order, poison lines."""

from __future__ import annotations

import datetime as dt
import gzip
import json

import hypothesis.strategies as st

from retail_assets.landing.streamed import Offsets
from retail_assets.storage import Store

SOURCE = "shop"
DAY = dt.date(2024, 3, 5)

values = st.fixed_dictionaries(
    {
        "Transaction ID": st.sampled_from([1, 2, "3", "1.5E+11", "", None, "é"]),
        "Date": st.sampled_from(["2024-03-04", "2024-03-04T23:59:59", "05/03/2024", "31/01/2024", "none", None]),
        "Product Category": st.sampled_from(["Beauty", "beauty ", "", 7]),
        "Quantity": st.sampled_from([1, -1, 2.5, "x", 0]),
        "Price per Unit": st.sampled_from([10, "12.50", "1e3", None]),
        "Total Amount": st.sampled_from([10, "25.00", "", -3]),
    },
    optional={"Gender": st.sampled_from(["Male", "?"]), "Age": st.sampled_from([30, "old"]), "note": st.just("n")},
)
lines = st.one_of(
    values.map(lambda v: json.dumps(v).encode()),
    st.sampled_from([b"", b'["not JSON", "sales", 0, 5, "oops"]', b"{", b'{"Quantity": 1, "Quantity": 2}', b"\xff{}"]),
)
#: The lines of a streamed object, the second kind with the columns of its first record in another order.
objects = st.tuples(st.lists(lines, max_size=4), values, st.booleans()).map(
    lambda o: [*o[0], json.dumps(dict(reversed(o[1].items())) if o[2] else o[1]).encode()]
)


def landed(store: Store, contents: list[list[bytes]]) -> None:
    at = 0
    for content in contents:
        key = Offsets("sales", 0, at, at + len(content)).key(SOURCE, DAY)
        store.write(key, gzip.compress(b"".join(line + b"\n" for line in content)))
        at += len(content)
