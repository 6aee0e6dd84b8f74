"""The four ways into Redshift, each with the real driver, TLS that is verified, and nothing secret in an error."""

from __future__ import annotations

import json
import traceback
import uuid
from typing import TYPE_CHECKING

import pytest

from retail_assets.errors import WarehouseError
from retail_assets.settings.redshift import RedshiftSettings
from retail_assets_tests.services.redshift import iam_api
from retail_assets_tests.services.redshift import stack as stacks
from retail_assets_tests.warehouse.landings import SOURCE

if TYPE_CHECKING:
    from retail_assets_tests.services.redshift.stack import Stack

NEVER = (
    stacks.PASSWORD,
    stacks.TEMPORARY_PASSWORD,
    stacks.ROLE,
    "123456789012",
    "localhost",
    *(v for k, v in stacks.CREDENTIALS.items() if "REGION" not in k),
)


def asked(stack: Stack, settings: RedshiftSettings) -> str:
    """Who the session is."""
    warehouse = stack.warehouse(stack.lake(SOURCE), "shop_login", settings, attempts=1)
    [row] = warehouse.query("SELECT CAST(current_user AS VARCHAR(128)) AS me").to_pylist()
    return str(row["me"])


def refused(stack: Stack, settings: RedshiftSettings) -> str:
    with pytest.raises(WarehouseError) as raised:
        asked(stack, settings)
    shown = "".join(traceback.format_exception(raised.value))
    assert [secret for secret in NEVER if secret in shown] == []
    return str(raised.value)


def by_iam(stack: Stack, **changes: str | None) -> RedshiftSettings:
    return stack.settings(**({"password": None, "user": None, "region": stacks.REGION} | changes))


def test_a_password(stack: Stack) -> None:
    assert asked(stack, stack.settings()) == stacks.LOADER
    assert "refused the login" in refused(stack, stack.settings(password="wrong"))
    started = stack.wire.startups[-1]
    assert (started["database"], started["application_name"]) == (stacks.DATABASE, "retail-assets")


def test_an_endpoint_with_another_name_than_its_certificate_is_not_trusted(stack: Stack) -> None:
    """127.0.0.1 reaches the wire as well; the certificate does not name it. No password is sent."""
    attempts = len(stack.wire.startups)
    assert "certificate of the endpoint is not trusted" in refused(stack, stack.settings(host="127.0.0.1"))
    assert len(stack.wire.startups) == attempts


def test_an_endpoint_of_an_unknown_authority_is_not_trusted(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    assert "certificate of the endpoint is not trusted" in refused(stack, stack.settings())


def test_iam_on_a_cluster_as_a_named_user(stack: Stack) -> None:
    import boto3

    name = f"shop-{uuid.uuid4().hex[:8]}"
    boto3.client("redshift").create_cluster(
        ClusterIdentifier=name,
        NodeType="ra3.large",
        MasterUsername="admin",
        MasterUserPassword="Passw0rdX",
        DBName=stacks.DATABASE,
    )
    assert asked(stack, by_iam(stack, cluster=name, user=stacks.LOADER)) == stacks.LOADER
    message = refused(stack, by_iam(stack, cluster="no-such-cluster", user=stacks.LOADER))
    assert "REDSHIFT_CLUSTER" in message


def test_iam_on_a_cluster_as_the_user_of_the_identity(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    with iam_api.serving(calls) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT", endpoint)
        assert asked(stack, by_iam(stack, cluster="shop-of-identity")) == stacks.LOADER
    assert "Action=GetClusterCredentialsWithIAM" in calls[-1]


def test_iam_on_serverless(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    with iam_api.serving(calls) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", endpoint)
        assert asked(stack, by_iam(stack, workgroup="retail")) == stacks.LOADER
    assert calls[0].startswith("RedshiftServerless.GetCredentials")
    assert json.loads(calls[0].split(" ", 1)[1]) == {"dbName": stacks.DATABASE, "workgroupName": "retail"}


def test_an_identity_without_the_right_to_log_in_is_told_without_its_arn(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with iam_api.serving([], denies=True) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", endpoint)
        assert "docs/redshift.md" in refused(stack, by_iam(stack, workgroup="denied"))


def test_a_process_without_credentials_of_aws_is_told_so(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    assert "AWS rejected the credentials" in refused(stack, by_iam(stack, workgroup="nobody"))


def test_a_secret_and_its_rotation(stack: Stack) -> None:
    import boto3

    manager = boto3.client("secretsmanager")
    user = f"rotated_{uuid.uuid4().hex[:8]}"
    stack.user(user, "planted-first")
    name = f"retail/{user}"
    whole = {"username": user, "password": "planted-first", "host": "localhost", "port": stack.wire.port}
    manager.create_secret(Name=name, SecretString=json.dumps(whole))
    settings = stack.settings(secret=name, password=None, user=None, host=None, port=None)
    warehouse = stack.warehouse(stack.lake(SOURCE), "shop_login", settings, attempts=1)
    assert warehouse.query("SELECT 1 AS one").to_pylist() == [{"one": 1}]

    stack.users[user] = "planted-second"
    manager.put_secret_value(SecretId=name, SecretString=json.dumps(whole | {"password": "planted-second"}))
    assert warehouse.query("SELECT 1 AS one").to_pylist() == [{"one": 1}]

    stack.users[user] = "something else"
    with pytest.raises(WarehouseError, match="refused the login") as raised:
        warehouse.query("SELECT 1")
    assert "planted" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("just a password", "is not JSON with `username` and `password`"),
        ('{"username": "u"}', "is not JSON with `username` and `password`"),
        ('{"username": "u", "password": "planted-pw"}', "has no host. Set REDSHIFT_HOST"),
    ],
)
def test_a_secret_that_does_not_tell_enough(stack: Stack, value: str, message: str) -> None:
    import boto3

    name = f"retail/{uuid.uuid4().hex}"
    boto3.client("secretsmanager").create_secret(Name=name, SecretString=value)
    assert message in refused(stack, stack.settings(secret=name, password=None, user=None, host=None))


def test_a_secret_that_is_not_there(stack: Stack) -> None:
    message = refused(stack, stack.settings(secret="no/such/secret", password=None, user=None))
    assert "REDSHIFT_SECRET" in message
    assert "no/such/secret" not in message


def test_nothing_secret_is_in_the_repr_of_settings_and_warehouse(stack: Stack) -> None:
    settings = stack.settings()
    shown = repr(settings) + repr(stack.warehouse(stack.lake(SOURCE), "shop", settings))
    assert [secret for secret in NEVER if secret in shown] == []
