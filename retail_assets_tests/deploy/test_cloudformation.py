"""The CloudFormation template: free of lint, deployed (to moto), and its outputs are settings that load."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from retail_assets import settings as settings_module
from retail_assets.storage import Store
from retail_assets_tests.services.s3_fixtures import REGION

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "deploy" / "cloudformation.yaml"
TEMPLATES = (TEMPLATE, ROOT / "deploy" / "predictions.yaml")

#: What moto 5.2 leaves out when it deploys a stack. cfn-lint proves that they are well-formed, by AWS's schemas, and
#: the tests below read them in the template; that Redshift comes up only AWS can show.
NOT_IN_MOTO = {
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::Secret",
    "AWS::RedshiftServerless::Namespace",
    "AWS::RedshiftServerless::Workgroup",
}

#: And it cannot look up an attribute of what it left out: the one that the template uses is put in here.
_WORKGROUP_ARN = "!GetAtt Workgroup.Workgroup.WorkgroupArn"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's tags: `!Ref X` becomes {"Ref": "X"}, `!Sub X` {"Sub": "X"}."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {suffix: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _tagged)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader=_Loader)
    return loaded


@pytest.fixture(scope="module")
def stack(endpoint: str) -> dict[str, str]:
    """The outputs of the template, deployed once."""
    session = boto3.Session("x", "x", region_name=REGION)
    ec2 = session.client("ec2", endpoint_url=endpoint)
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if s["VpcId"] == vpc["VpcId"]]
    formation = session.client("cloudformation", endpoint_url=endpoint)
    text = TEMPLATE.read_text()
    assert text.count(_WORKGROUP_ARN) == text.count("!GetAtt Workgroup") == 1
    formation.create_stack(
        StackName="retail",
        TemplateBody=text.replace(_WORKGROUP_ARN, "arn:aws:redshift-serverless:eu-central-1:1:workgroup/x"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": "VpcId", "ParameterValue": vpc["VpcId"]},
            {"ParameterKey": "SubnetIds", "ParameterValue": ",".join(subnets)},
        ],
    )
    [made] = formation.describe_stacks(StackName="retail")["Stacks"]
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}


@pytest.mark.slow
@pytest.mark.parametrize("file", TEMPLATES, ids=lambda each: each.stem)
def test_cfn_lint_has_nothing_to_say(file: Path) -> None:
    program = Path(sys.executable).with_name("cfn-lint")
    if not program.exists():
        pytest.skip("the template is not linted here: pip install 'retail-assets[test]' brings cfn-lint")
    done = subprocess.run([str(program), str(file)], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_deploys_all_that_moto_knows(stack: dict[str, str], template: dict[str, Any], aws: str) -> None:
    made = boto3.client("cloudformation").list_stack_resources(StackName="retail")["StackResourceSummaries"]
    wanted = {(name, r["Type"]) for name, r in template["Resources"].items()}
    missing = {kind for name, kind in wanted if name not in {m["LogicalResourceId"] for m in made}}
    assert missing == NOT_IN_MOTO


def test_its_outputs_are_settings_that_load_and_work(stack: dict[str, str], environ: dict[str, str], aws: str) -> None:
    environment = dict(line.split("=", 1) for line in stack["Environment"].splitlines())
    settings = settings_module.load({**environ, **environment})
    assert settings.warehouse == "redshift"
    assert settings.redshift is not None
    assert settings.redshift.login == "workgroup"
    assert settings.redshift.region == environment["AWS_REGION"] == REGION
    assert settings.redshift.iam_role.endswith("role/retail-redshift")
    for uri in (settings.raw_uri, settings.lake_uri, settings.models_uri, settings.output_uri):
        Store(uri).write("a", b"x")
        assert Store(uri).exists("a")
    assert settings.redshift.staging_uri is not None
    assert Store(settings.redshift.staging_uri).list("") == []


def test_the_bucket_is_encrypted(stack: dict[str, str], s3: Any) -> None:
    bucket = re.findall(r"s3://([^/]+)/raw", stack["Environment"])[0]
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_the_bucket_is_closed_versioned_and_cleans_up(template: dict[str, Any]) -> None:
    """Read in the template: moto takes none of these from one."""
    bucket = template["Resources"]["Bucket"]
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["PublicAccessBlockConfiguration"] == dict.fromkeys(blocks, True)
    rules = {r["Id"]: r for r in properties["LifecycleConfiguration"]["Rules"]}
    assert all(r["Status"] == "Enabled" for r in rules.values())
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    expiring = {r["Prefix"] for r in rules.values() if "ExpirationInDays" in r}
    assert expiring == {"staging/", "dagster-logs/"}, "landed files and the lake never expire"


def test_the_bucket_refuses_connections_without_tls(template: dict[str, Any]) -> None:
    policy = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
    [statement] = policy["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
    assert statement["Resource"] == [{"GetAtt": "Bucket.Arn"}, {"Sub": "${Bucket.Arn}/*"}]


def test_the_administrators_password_is_made_and_stands_nowhere(template: dict[str, Any]) -> None:
    made = template["Resources"]["AdminSecret"]["Properties"]["GenerateSecretString"]
    namespace = template["Resources"]["Namespace"]["Properties"]
    assert json.loads(made["SecretStringTemplate"])["username"] == namespace["AdminUsername"]
    assert namespace["AdminUserPassword"] == {"Sub": "{{resolve:secretsmanager:${AdminSecret}:SecretString:password}}"}
    # Redshift wants 8 to 64 characters and none of these; Secrets Manager gives each kind of character that it wants.
    assert made["PasswordLength"] <= 64
    assert set("'\"\\/@ ") <= set(made["ExcludeCharacters"])
    assert "Parameters" not in json.dumps(namespace)


def statements(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    policies = template["Resources"][role]["Properties"]["Policies"]
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]


@pytest.mark.parametrize("role", ["RunnerRole", "RedshiftRole"])
def test_no_role_may_do_everything_or_anything_everywhere(template: dict[str, Any], role: str) -> None:
    for statement in statements(template, role):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert not [a for a in actions if "*" in a], statement
        assert not [r for r in resources if r == "*"], statement
        if "s3:ListBucket" in actions:
            assert statement["Condition"]["StringLike"]["s3:prefix"]


def test_nobody_may_delete_landed_files(template: dict[str, Any]) -> None:
    for role in ("RunnerRole", "RedshiftRole"):
        for statement in statements(template, role):
            if "s3:DeleteObject" in statement["Action"]:
                assert [r for r in statement["Resource"] if "/raw/" in r["Sub"]] == [
                    {"Sub": "${Bucket.Arn}/raw/.doctor-*"}
                ]


def test_redshift_reads_the_lake_and_writes_only_what_is_under_way(template: dict[str, Any]) -> None:
    allowed = {s["Sid"]: s for s in statements(template, "RedshiftRole")}
    assert allowed["Copy"]["Action"] == "s3:GetObject"
    assert allowed["Unload"]["Resource"] == {"Sub": "${Bucket.Arn}/staging/*"}
    trust = template["Resources"]["RedshiftRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert all("aws:SourceAccount" in s["Condition"]["StringEquals"] for s in trust)


def test_the_roles_name_every_place_of_the_settings(template: dict[str, Any]) -> None:
    environment = template["Outputs"]["Environment"]["Value"]["Sub"]
    folders = set(re.findall(r"s3://\$\{Bucket\}/([\w-]+)", environment)) | {"dagster-logs"}
    [listing] = [s for s in statements(template, "RunnerRole") if s["Sid"] == "List"]
    assert {p.removesuffix("/*") for p in listing["Condition"]["StringLike"]["s3:prefix"]} == folders
