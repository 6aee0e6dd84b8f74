"""Whether the amount of a single transaction can be predicted from what is known before it; often it cannot.

The original project reported an RMSE of single amounts as a success that was hardly below their standard deviation.
Here a model is judged against the mean, by repeated cross-validation, and columns that hold the answer are refused.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from retail_assets.errors import RetailError
from retail_assets.tables import SALES
from retail_assets.wording import forecast_card as wording

if TYPE_CHECKING:
    import pyarrow as pa

#: Raised when the meaning of the report changes: it is then measured again.
DESIGN = "3"
TARGET = "total_amount"
#: Columns that are known only after the transaction: quantity times price is the amount.
LEAKING = {
    TARGET: "it is the amount itself",
    "quantity": "it is known only at the till, and times the price it is the amount",
    "returned": "it is part of the amount",
    "revenue": "it is a sum of amounts",
    "monetary": "it holds this amount too",
    "average_basket": "it holds this amount too",
}
#: Parts of names that mean the same: an amount, or the number of units.
_LEAKING_WORDS = {
    **dict.fromkeys(
        ("total", "amount", "gross", "net", "paid", "spend", "spent", "revenue", "subtotal", "value"), TARGET
    ),
    **dict.fromkeys(("qty", "quantity", "units", "pieces", "count"), "quantity"),
}
#: A product of columns that equals the amount to the cent on this share of the rows is the amount.
_SAME_AMOUNT = 0.99
#: What is known beforehand; and the price, which is known where there is a price list.
KNOWN = (
    "age",
    "gender",
    "product_category",
    "month",
    "weekday",
    "customer_lines_before",
    "customer_mean_before",
)
PRICE = "unit_price"
FOLDS = 5
#: With fewer transactions than this a pattern cannot be distinguished from chance.
FEWEST = 100
MOST = 5000


def transactions(every: int) -> str:
    """Write the SELECT of one in `every` sold lines with what is known before each.

    `customer_lines_before` and `customer_mean_before` are number and mean amount of the lines that the customer bought
    on earlier days. Both are null for lines without a customer, and the mean for a first purchase. The text runs on
    DuckDB and Redshift.
    """
    earlier = "over (partition by customer_id order by sale_date rows between unbounded preceding and 1 preceding)"
    return f"""
with days as (
    select customer_id, sale_date, count(*) as lines, sum(total_amount) as amount
    from {SALES.name} where customer_id is not null and quantity > 0
    group by customer_id, sale_date
),
known as (
    select customer_id, sale_date, sum(lines) {earlier} as lines, sum(amount) {earlier} as amount from days
)
select s.transaction_id, s.sale_date, s.age, s.gender, s.product_category, s.unit_price, s.total_amount,
    cast(case when s.customer_id is not null then coalesce(known.lines, 0) end as bigint) as customer_lines_before,
    cast(known.amount as double precision) / cast(known.lines as double precision) as customer_mean_before
from {SALES.name} s
left join known on known.customer_id = s.customer_id and known.sale_date = s.sale_date
where mod(s.source_line, {int(every)}) = 0 and s.quantity > 0
order by s.transaction_id
"""


class LeakingColumnError(RetailError):
    """A feature holds the answer."""


@dataclass(frozen=True)
class Judged:
    """RMSE of a model and of the mean predictor on the same folds, money; `skill` is 1 - their ratio.

    `interval` is the 90 % range of the skill over repetitions of the cross-validation.
    """

    features: tuple[str, ...]
    rmse: float
    mean_rmse: float
    skill: float
    interval: tuple[float, float]

    @property
    def has_skill(self) -> bool:
        """Above chance, and by more than 1 %."""
        return self.interval[0] > 0.01


def judge(transactions: pd.DataFrame, features: Sequence[str], *, repeats: int = 5, seed: int = 0) -> Judged:
    """Judge a small gradient boosting of `total_amount` by repeated 5-fold cross-validation.

    Args:
        transactions: one row per transaction.
        features: columns to predict from.
        repeats: of the cross-validation, each with other folds.
        seed: of the folds and the model.

    Raises:
        LeakingColumnError: a feature holds the answer.
        ValueError: a column is missing, an amount is not a number, or there are fewer than 100 transactions.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold
    from threadpoolctl import threadpool_limits

    for name in features:
        if (why := _why_leaking(name)) is not None:
            raise LeakingColumnError(
                f"{name!r} cannot be used to predict the amount of a transaction: {why}. Leave it out."
            )
    if missing := [name for name in (*features, TARGET) if name not in transactions.columns]:
        raise ValueError(f"columns {missing} are missing; found {list(transactions.columns)}")
    if len(transactions) < FEWEST:
        raise ValueError(f"{len(transactions)} transactions; {FEWEST} are needed")
    rows = transactions.sample(MOST, random_state=seed) if len(transactions) > MOST else transactions
    y = rows[TARGET].astype(float).to_numpy()
    if not np.isfinite(y).all():
        raise ValueError(f"{TARGET} is missing or not a number in {int((~np.isfinite(y)).sum())} transactions")
    _refuse_by_value(rows, features, y)
    x = _encoded(rows, features)
    ours, means = [], []
    for repeat in range(repeats):
        squared, squared_mean = 0.0, 0.0
        for train, test in KFold(FOLDS, shuffle=True, random_state=seed + repeat).split(x):
            model = HistGradientBoostingRegressor(
                max_iter=60,
                learning_rate=0.05,
                max_depth=3,
                min_samples_leaf=20,
                early_stopping=False,
                random_state=seed,
            )
            # So few rows take longer on two threads, which wait for each other.
            with threadpool_limits(1):
                predicted = model.fit(x[train], y[train]).predict(x[test])
            squared += float(((predicted - y[test]) ** 2).sum())
            squared_mean += float(((y[train].mean() - y[test]) ** 2).sum())
        ours.append(np.sqrt(squared / len(y)))
        means.append(np.sqrt(squared_mean / len(y)))
    skill = 1 - np.array(ours) / np.maximum(means, 1e-12)
    low, high = np.quantile(skill, [0.05, 0.95])
    return Judged(
        tuple(features), float(np.mean(ours)), float(np.mean(means)), float(skill.mean()), (float(low), float(high))
    )


def report(transactions: pd.DataFrame, *, seed: int = 0, repeats: int = 5, total: int | None = None) -> dict[str, Any]:
    """Report how well amounts can be predicted, without and with the price: JSON-able, with a verdict in words.

    Args:
        transactions: rows of `sales` with `sale_date`, `total_amount`, and any of KNOWN and `unit_price`.
        seed: of the cross-validation.
        repeats: of the cross-validation.
        total: number of transactions that these are a sample of; by default they are all.
    """
    rows = transactions.assign(
        month=pd.to_datetime(transactions["sale_date"]).dt.month,
        weekday=pd.to_datetime(transactions["sale_date"]).dt.day_of_week,
    )
    if len(rows) < FEWEST:
        too_few = wording.too_few_amounts(transactions=len(rows), needed=FEWEST)
        return {"evaluated": False, "verdict": str(too_few)}
    # A constant column says nothing, such as the number of purchases before where every customer came once.
    features = [name for name in KNOWN if name in rows and rows[name].nunique(dropna=False) > 1]
    without = judge(rows, features, repeats=repeats, seed=seed)
    measured: dict[str, Any] = {"evaluated": True, "transactions": len(rows), "seed": seed, "repeats": repeats}
    measured["without_price"] = _jsonable(without)
    priced_rmse: float | None = None
    if PRICE in rows and rows[PRICE].notna().any():
        priced = judge(rows, [*features, PRICE], repeats=repeats, seed=seed)
        measured["with_price"] = _jsonable(priced)
        priced_rmse = priced.rmse
    verdict = wording.amounts(
        transactions=min(len(rows), MOST),
        total=max(total or 0, len(rows)),
        rmse=without.rmse,
        mean_rmse=without.mean_rmse,
        skill=without.skill,
        has_skill=without.has_skill,
        priced_rmse=priced_rmse,
    )
    return {**measured, "refused": LEAKING, "verdict": str(verdict)}


def input_digest(transactions: pa.Table, *, seed: int) -> str:
    """Digest what a report follows from: the rows, the seed, this design and scikit-learn's version.

    Args:
        transactions: the result of the query `transactions`, in its order.
        seed: of the cross-validation.
    """
    version = importlib.metadata.version("scikit-learn")
    digest = hashlib.sha256(f"{DESIGN} {version} {seed} {transactions.num_rows}\n".encode())
    # The values and not the buffers: those hold whatever was in memory where a value is null.
    for name, column in zip(transactions.column_names, transactions.columns, strict=True):
        digest.update(f"{name} {column.type} {column.to_pylist()!r}\n".encode())
    return digest.hexdigest()


def report_of(content: bytes | None, digest: str) -> dict[str, Any] | None:
    """Read a published report back; None where there is none that was made from this input."""
    try:
        published = json.loads(content) if content is not None else None
    except (ValueError, RecursionError):
        return None
    return published if isinstance(published, dict) and published.get("input_digest") == digest else None


def _jsonable(judged: Judged) -> dict[str, Any]:
    return {
        "features": list(judged.features),
        "rmse": round(judged.rmse, 4),
        "mean_predictor_rmse": round(judged.mean_rmse, 4),
        "skill": round(judged.skill, 6),
        "interval90": [round(end, 6) for end in judged.interval],
        "has_skill": judged.has_skill,
    }


def _encoded(rows: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Numbers as they are, with their mean where unknown; text as one column per common value."""
    columns = []
    for name in features:
        values = rows[name]
        numbers = pd.to_numeric(values, errors="coerce")
        if numbers.notna().sum() >= values.notna().sum():
            columns.append(numbers.astype(float).fillna(numbers.astype(float).mean()).fillna(0.0).to_numpy()[:, None])
            continue
        named = values.astype(object).where(values.notna(), "?").astype(str)
        common = sorted(named.value_counts().sort_index().nlargest(20).index)
        columns.append(np.column_stack([(named == one).to_numpy(dtype=float) for one in common]))
    return np.concatenate(columns, axis=1) if columns else np.zeros((len(rows), 1))


def _why_leaking(name: str) -> str | None:
    """Why a column of this name holds the answer; None where the name does not suggest it."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word for word in re.split(r"[^a-z]+", apart.lower()) if word]
    if (why := LEAKING.get("_".join(words))) is not None:
        return why
    if "price" in words and {"times", "x"} & set(words):
        return LEAKING["quantity"]
    return next((LEAKING[_LEAKING_WORDS[word]] for word in words if word in _LEAKING_WORDS), None)


def _refuse_by_value(rows: pd.DataFrame, features: Sequence[str], amounts: np.ndarray) -> None:
    """Refuse a column, or a product of two, that equals the amount on nearly all rows, whatever its name."""
    numbers = {name: rows[name].astype(float).to_numpy() for name in features if _is_numeric(rows[name])}
    # The list price is known beforehand, also in a shop that sells everything by the piece.
    alone = [((name,), values) for name, values in numbers.items() if name != PRICE]
    pairs = [((a, b), numbers[a] * numbers[b]) for a, b in itertools.combinations(numbers, 2)]
    for names, values in (*alone, *pairs):
        if (np.abs(values - amounts) < 0.005).mean() > _SAME_AMOUNT:
            product = " times ".join(map(repr, names))
            raise LeakingColumnError(f"{product} is the amount of the transaction itself. Leave {names[-1]!r} out.")


def _is_numeric(column: pd.Series) -> bool:
    try:
        column.astype(float)
    except (TypeError, ValueError):
        return False
    return True
