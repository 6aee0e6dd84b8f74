"""What the errors of S3 and botocore mean, and what to do about them.

No message holds an endpoint, a role or a key. S3's own error texts name them, so only its codes are used.
"""

from __future__ import annotations

from botocore import exceptions as aws

from retail_assets.errors import StorageBusyError, StorageError

_ACTIONS = {
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObjects": "s3:DeleteObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
}
_THROTTLED = {
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "RequestLimitExceeded", "Throttling",
    "ThrottlingException", "RequestThrottled", "500", "502", "503", "504",
}  # fmt: skip
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_CREDENTIALS_REJECTED = {
    "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "AuthFailure",
    "InvalidSecurity", "UnrecognizedClientException",
}  # fmt: skip
_WRONG_REGION = {
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "301",
    "307",
}

#: No answer arrived: the next attempt may get one.
_TRANSIENT = (aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError)
_NO_CREDENTIALS = (
    aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.TokenRetrievalError,
    aws.SSOError,
)  # fmt: skip

_IDENTITY = "`aws sts get-caller-identity` shows the identity in use; docs/aws.md lists the permissions."


def explained(error: Exception, bucket: str) -> StorageError | None:
    """Translate an error of S3 or botocore into a StorageError that says what to do; None for any other error."""
    if isinstance(error, aws.ClientError):
        return _refused(error, bucket)
    if isinstance(error, aws.BotoCoreError):
        kind = StorageBusyError if isinstance(error, _TRANSIENT) else StorageError
        return kind(unanswered(error))
    return None


def code_of(error: aws.ClientError) -> str:
    """Return S3's error code, such as `NoSuchKey`; an empty string if there is none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: aws.ClientError, bucket: str) -> StorageError:
    code = code_of(error)
    details = error.response.get("Error", {})
    operation = error.operation_name
    response = error.response.get("ResponseMetadata", {})
    if code == "NoSuchKey":
        return StorageError("it is not there. Check the path and the settings.")
    if code == "NoSuchBucket":
        return StorageError(
            f"there is no bucket {bucket!r}. Check its name and the region (AWS_REGION), or create it (docs/aws.md)."
        )
    if code in ("AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem"):
        uses_kms = "kms" in str(details).lower()
        key = " or permission to use its encryption key (kms:Decrypt, kms:GenerateDataKey)" if uses_kms else ""
        action = _ACTIONS.get(operation, f"s3:{operation}")
        return StorageError(f"permission denied: the identity in use lacks {action}{key} there. {_IDENTITY}")
    if code in _EXPIRED:
        return StorageError(
            "the AWS session has expired. Log in again (`aws sso login`), or renew AWS_SESSION_TOKEN and its keys."
        )
    if code in _CREDENTIALS_REJECTED:
        return StorageError(
            f"the AWS credentials are not accepted ({code}). Check AWS_PROFILE and the keys. {_IDENTITY}"
        )
    if code == "RequestTimeTooSkewed":
        return StorageError("the clock of this machine is wrong, so AWS rejects its signature. Set the clock.")
    if code in _WRONG_REGION:
        region = details.get("Region") or response.get("HTTPHeaders", {}).get("x-amz-bucket-region")
        fix = f"Set AWS_REGION={region}." if region else "Set AWS_REGION to the bucket's region."
        return StorageError(f"the bucket {bucket!r} is in another region. {fix}")
    if code == "PreconditionFailed":
        return StorageBusyError("it was replaced while it was being read. Try again.")
    if code in _THROTTLED:
        attempts = int(response.get("RetryAttempts", 0)) + 1
        return StorageBusyError(
            f"S3 is overloaded or asks to slow down ({code}), after {attempts} tries. Try again later."
        )
    if code == "InvalidBucketName":
        return StorageError(f"{bucket!r} is not a valid bucket name. Check the setting.")
    status = response.get("HTTPStatusCode", "?")
    return StorageError(
        f"S3 refused {operation} with {code or 'no code'} (HTTP {status}, request {response.get('RequestId', '?')}). "
        "Check the bucket's policy and settings."
    )


def unanswered(error: aws.BotoCoreError) -> str:
    """Explain what went wrong before S3 could answer, without the addresses that botocore puts into its texts."""
    if isinstance(error, aws.ProfileNotFound):
        return "the profile in AWS_PROFILE is not configured. `aws configure list-profiles` lists the profiles."
    if isinstance(error, aws.ConfigParseError):
        return "the AWS configuration file cannot be read. Check ~/.aws/config and ~/.aws/credentials."
    if isinstance(error, _NO_CREDENTIALS):
        return (
            "there are no usable AWS credentials here. Set AWS_PROFILE (and log in: `aws sso login`), or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run on a machine with a role. On a Spark cluster its "
            "machines need credentials as well."
        )
    if isinstance(error, aws.SSLError):
        return "the TLS certificate of the S3 endpoint is not trusted. Set AWS_CA_BUNDLE to your authority's file."
    if isinstance(error, aws.ProxyConnectionError):
        return "the proxy does not answer. Check HTTPS_PROXY and NO_PROXY."
    if isinstance(error, _TRANSIENT):
        return (
            f"the S3 endpoint does not answer ({type(error).__name__}). Check the network, AWS_REGION, and "
            "AWS_ENDPOINT_URL if it is set; then try again."
        )
    if isinstance(error, aws.ParamValidationError):
        return "the bucket or key is not a valid S3 name. Check the settings."
    return f"{type(error).__name__}. Check the AWS variables in the environment and ~/.aws/config."
