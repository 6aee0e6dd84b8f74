"""The template of the predictions: free of lint, deployed (to moto), and the function may do no more than it needs."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml

from benchmarks.serving import made_bundle
from retail_assets.errors import StorageError
from retail_assets.serving import Predictor
from retail_assets.storage import Store
from retail_assets_tests.services.s3 import moto
from retail_assets_tests.services.s3_fixtures import REGION, aws_environment

TEMPLATE = Path(__file__).parents[2] / "deploy" / "predictions.yaml"

#: What moto 5.2 leaves out when it deploys a stack. cfn-lint proves that they are well-formed, by AWS's schemas, and
#: the tests below read them in the template; that a key is asked for and limited only AWS can show.
NOT_IN_MOTO = {
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGateway::UsagePlanKey",
}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags: `!Ref X` becomes {"Ref": "X"}, `!Sub X` {"Sub": "X"}."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    assert isinstance(node, yaml.ScalarNode)
    return {suffix: loader.construct_scalar(node)}


_Loader.add_multi_constructor("!", _tagged)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=_Loader)["Resources"]
    return loaded


def _client(name: str, endpoint: str) -> Any:
    return boto3.Session("x", "x", region_name=REGION).client(name, endpoint_url=endpoint)


@pytest.fixture(scope="module")
def stack(endpoint: str) -> dict[str, str]:
    """The outputs of the template, deployed once."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("retail_assets/serving/aws_lambda.py", "def handler(event, context): ...")
    s3 = _client("s3", endpoint)
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="code", Key="retail-predictions.zip", Body=packed.getvalue())
    formation = _client("cloudformation", endpoint)
    given = {"CodeBucket": "code", "BundleBucket": "bundles", "Source": "retail_sales"}
    formation.create_stack(
        StackName="predictions",
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
    [made] = formation.describe_stacks(StackName="predictions")["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}


def test_it_deploys_all_that_moto_knows(stack: dict[str, str], resources: dict[str, Any], endpoint: str) -> None:
    listed = _client("cloudformation", endpoint).list_stack_resources(StackName="predictions")
    made = {each["LogicalResourceId"] for each in listed["StackResourceSummaries"]}
    assert {each["Type"] for name, each in resources.items() if name not in made} == NOT_IN_MOTO


def test_the_function_finds_its_bundles_and_nothing_secret(stack: dict[str, str], endpoint: str) -> None:
    made = _client("lambda", endpoint).get_function_configuration(FunctionName="retail-predictions")
    assert made["Handler"] == "retail_assets.serving.aws_lambda.handler"
    wanted = {"RETAIL_SERVING_URI": "s3://bundles/serving", "RETAIL_SOURCE": "retail_sales"}
    assert made["Environment"]["Variables"] == wanted


def test_the_api_asks_for_a_key(stack: dict[str, str], endpoint: str) -> None:
    gateway = _client("apigateway", endpoint)
    [api] = [each for each in gateway.get_rest_apis()["items"] if each["name"] == "retail-predictions"]
    resources = {each["path"]: each["id"] for each in gateway.get_resources(restApiId=api["id"])["items"]}
    method = gateway.get_method(restApiId=api["id"], resourceId=resources["/{proxy+}"], httpMethod="ANY")
    assert method["apiKeyRequired"] is True
    assert method["methodIntegration"]["type"] == "AWS_PROXY"
    assert stack["Url"] == f"https://{api['id']}.execute-api.{REGION}.amazonaws.com/live"


def test_no_method_is_open_and_keys_are_limited(resources: dict[str, Any]) -> None:
    methods = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::ApiGateway::Method"]
    assert methods
    assert all(each["ApiKeyRequired"] is True for each in methods)
    assert not [each for each in resources.values() if each["Type"] == "AWS::Lambda::Url"]
    assert resources["Plan"]["Properties"]["Throttle"]["RateLimit"] == {"Ref": "RequestsPerSecond"}
    [settings] = resources["Live"]["Properties"]["MethodSettings"]
    assert settings["DataTraceEnabled"] is False


def test_the_function_reads_the_bundles_of_one_source_and_writes_its_own_log(resources: dict[str, Any]) -> None:
    policies = resources["Role"]["Properties"]["Policies"]
    statements = {s["Sid"]: s for policy in policies for s in policy["PolicyDocument"]["Statement"]}
    assert set(statements) == {"Read", "Write"}
    assert statements["Read"]["Action"] == "s3:GetObject"
    assert statements["Read"]["Resource"] == {
        "Sub": "arn:${AWS::Partition}:s3:::${BundleBucket}/${BundlePrefix}/${Source}/*"
    }
    assert statements["Write"]["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statements["Write"]["Resource"]["Sub"].endswith(":log-group:/aws/lambda/${Name}:*")
    assert resources["Logs"]["Properties"]["LogGroupName"] == {"Sub": "/aws/lambda/${Name}"}
    permission = resources["MayInvoke"]["Properties"]
    assert permission["SourceArn"]["Sub"].endswith(":${Api}/*"), "no other API may invoke it"


def test_with_the_functions_rights_the_bundles_of_the_source_are_read_and_no_others(
    resources: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role's policy on moto's IAM, which here, in a server of its own, refuses what is not allowed."""
    [policy] = [p for p in resources["Role"]["Properties"]["Policies"] if p["PolicyName"] == "bundles"]
    document = json.dumps(policy["PolicyDocument"]).replace(
        json.dumps(policy["PolicyDocument"]["Statement"][0]["Resource"]),
        '"arn:aws:s3:::bundles/serving/retail_sales/*"',
    )
    assert "Sub" not in document
    with moto(tmp_path) as url:
        for name, value in aws_environment(url).items():
            monkeypatch.setenv(name, value)
        s3, iam = _client("s3", url), _client("iam", url)
        s3.create_bucket(Bucket="bundles", CreateBucketConfiguration={"LocationConstraint": REGION})
        made_bundle.publish(Store("s3://bundles/serving"), customers=50)
        for key in ("other/current.json", "current.json"):
            s3.put_object(Bucket="bundles", Key=f"serving/{key}", Body=b"{}")
        iam.create_user(UserName="function")
        iam.put_user_policy(UserName="function", PolicyName="bundles", PolicyDocument=document)
        made = iam.create_access_key(UserName="function")["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["SecretAccessKey"])
        monkeypatch.delenv("AWS_SESSION_TOKEN")
        httpx.post(f"{url}/moto-api/reset-auth", content=b"0").raise_for_status()  # from here on moto looks at rights
        cache = tmp_path / "cache"
        with Predictor.from_uri("s3://bundles/serving/retail_sales", cache=cache) as predictor:
            assert predictor.forecast("TOTAL", days=7).revenue > 0
        for uri in ("s3://bundles/serving/other", "s3://bundles/serving"):
            with pytest.raises(StorageError, match="permission"):
                Predictor.from_uri(uri, cache=cache)
        with pytest.raises(StorageError, match="permission"):
            Store("s3://bundles/serving/retail_sales").write("current.json", b"{}")
        with pytest.raises(StorageError, match="permission"):
            Store("s3://bundles/serving/retail_sales").list("")
