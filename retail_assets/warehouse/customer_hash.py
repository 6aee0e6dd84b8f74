"""A customer in SQL that does not hold their id: warehouses log statements."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from retail_assets.contracts.typing_sql.literals import literal


@dataclass(frozen=True)
class Customer:
    """A customer as SQL compares them: by the hash of salt and id. `condition` is true for their rows."""

    salt: str
    digest: str

    @classmethod
    def of(cls, customer_id: str) -> Customer:
        salt = secrets.token_hex(16)
        return cls(salt, hashlib.md5((salt + customer_id).encode(), usedforsecurity=False).hexdigest())

    @property
    def condition(self) -> str:
        return f"md5({literal(self.salt)} || customer_id) = {literal(self.digest)}"
