"""Dagster's selection syntax, compared with Dagster's own parser."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from hypothesis import given
from hypothesis import strategies as st

from airflow_bridge.problems import RefusedError
from airflow_bridge.runs import AssetNode
from airflow_bridge.selection import select

pytestmark = pytest.mark.filterwarnings("ignore:.*include_sources.*")


def asset(key: str, group: str, *upstream: str, kind: str = "python", owner: str = "team:data") -> dg.AssetsDefinition:
    @dg.asset(
        key=key.split("/"),
        group_name=group,
        deps=[dg.AssetKey(up.split("/")) for up in upstream],
        kinds={kind},
        owners=[owner],
        tags={"domain": group},
    )
    def made() -> None: ...

    return made


#: raw → clean → sales → marts/kpis, and clean → quarantine, sales → forecast
GRAPH = AssetGraph.from_assets(
    [
        asset("raw", "ingest", kind="csv"),
        asset("clean", "ingest", "raw", kind="spark", owner="a@shop.example"),
        asset("quarantine", "ingest", "clean", kind="spark"),
        asset("sales", "warehouse", "clean", kind="duckdb"),
        asset("marts/kpis", "eda", "sales", kind="duckdb"),
        asset("forecast", "forecast", "sales"),
    ]
)
NODES = [
    AssetNode(
        key="/".join(node.key.path),
        group=node.group_name or "default",
        partitioned=False,
        location=("shop", "__repository__"),
        upstream=frozenset("/".join(up.path) for up in node.parent_keys),
        kinds=frozenset(node.kinds),
        owners=frozenset(node.owners),
        tags={k: v for k, v in node.tags.items() if not k.startswith("dagster/kind")},
    )
    for node in (GRAPH.get(key) for key in GRAPH.materializable_asset_keys)
]


def by_dagster(selection: str) -> set[str]:
    return {"/".join(key.path) for key in dg.AssetSelection.from_string(selection).resolve(GRAPH)}


@pytest.mark.parametrize(
    "selection",
    [
        "*",
        "sales",
        'key:"sales"',
        "key:sales",
        'key:"marts/*"',
        'key:"*s*"',
        'key:"marts/kpis"',
        'group:"ingest"',
        "group:ingest",
        "kind:duckdb",
        'owner:"a@shop.example"',
        'owner:"team:data"',
        'tag:"domain"="eda"',
        "tag:domain=eda",
        "tag:domain",
        "+key:sales",
        "1+key:sales",
        "key:sales+",
        "key:clean+1",
        "2+key:sales+1",
        '+key:"clean"+',
        'roots(key:"sales"+)',
        "sinks(*)",
        "roots(group:ingest)",
        "not group:ingest",
        "NOT key:sales AND NOT key:raw",
        "group:ingest or kind:duckdb",
        "group:ingest and kind:spark or key:forecast",
        "key:forecast or group:ingest and kind:spark",
        "not (group:ingest or key:forecast)",
        "(key:sales)+1",
        "+(key:sales or key:quarantine)",
        "key:nothing_of_this",
    ],
)
def test_a_selection_means_what_it_means_to_dagster(selection: str) -> None:
    assert select(selection, NODES) == by_dagster(selection)


ATOMS = st.sampled_from(
    ["key:sales", "key:raw", "group:ingest", "kind:spark", 'key:"marts/*"', "*", 'owner:"a@shop.example"']
)


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map("not ({})".format),
        st.tuples(st.sampled_from(["", "+", "1+", "2+"]), inner, st.sampled_from(["", "+", "+1"])).map(
            lambda parts: f"{parts[0]}({parts[1]}){parts[2]}"
        ),
        st.tuples(st.sampled_from(["roots", "sinks"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
    )


@given(st.recursive(ATOMS, joined, max_leaves=6))
def test_any_combination_means_what_it_means_to_dagster(selection: str) -> None:
    assert select(selection, NODES) == by_dagster(selection)


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ("", "it ends too early"),
        ("sales and", "it ends too early"),
        ("(sales", "a parenthesis is not closed"),
        ("sales)", r"'\)' is not expected here"),
        ("sales quarantine", "'quarantine' is not expected here"),
        ("group:", "a value is missing after group:"),
        ("(group:)", "a value is missing after group:"),
        ('tag:"domain"=', "a value is missing after ="),
        ("key:sales=1", "'=' is not expected here"),
        ("grup:ingest", "'grup' is not an attribute"),
        ("sales & raw", "'& raw' cannot be read"),
        ('key:"sales', "cannot be read"),
        ("or sales", "'or' is not expected here"),
        ("column:price", "'column' is not an attribute"),
    ],
)
def test_a_selection_that_cannot_be_read_says_at_which_place(selection: str, message: str) -> None:
    with pytest.raises(RefusedError, match=f'cannot be read: .*{message}.*group:"ingest"'):
        select(selection, NODES)


@pytest.mark.parametrize(
    ("bare", "full"),
    [
        ("+sales", "+key:sales"),
        ("marts/kpis or raw", "key:marts/kpis or key:raw"),
        ("owner:a@shop.example", 'owner:"a@shop.example"'),
        ("not sales", "not key:sales"),
    ],
)
def test_a_name_needs_no_attribute_nor_quotes(bare: str, full: str) -> None:
    assert select(bare, NODES) == select(full, NODES) != set()


def test_code_locations_can_be_selected() -> None:
    assert select("code_location:shop", NODES) == {node.key for node in NODES}
    assert select("code_location:other", NODES) == set()
