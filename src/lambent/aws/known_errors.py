"""What AWS says about common mistakes and account limits, in our words. Pure.

The texts were recorded from AWS (tests/recordings) where that was possible; the others are as users reported them. lambent
prevents most of these errors before any call. The table is for the rest, and for rules that AWS changes.
"""

from __future__ import annotations

import re

from msgspec import Struct


class KnownError(Struct, frozen=True):
    """A text of AWS's (a pattern), what it means, and what to do. Both may use the pattern's named groups."""

    pattern: str
    what: str
    hint: str


_AGAIN = "run the same command again: it reads the current state"
_SMALLER = "exclude files with exclude = [...], or use fewer dependencies; lambent build shows what takes the space"
_SMALLER_WITH_LAYERS = (
    "exclude files with exclude = [...], or use fewer dependencies or layers; lambent build shows what takes the space"
)
_LARGE_VALUES = "keep large values in a file of the project, or in SSM or S3"

KNOWN_ERRORS: tuple[KnownError, ...] = (
    # the function and its code
    KnownError(
        r"runtime parameter of (?P<it>\S+) is no longer supported",
        "AWS no longer supports {it} for new or changed functions",
        "use a newer runtime, such as --runtime python3.13",
    ),
    KnownError(
        r"Value (?P<it>\S+) at 'runtime' failed to satisfy",
        "AWS doesn't know the runtime {it} in this region",
        "use one of AWS's runtimes, such as --runtime python3.13",
    ),
    KnownError(
        r"Value '(?P<it>[^']*)' at 'functionName' failed to satisfy",
        "not a valid function name: {it}",
        "--name NAME, of 1 to 56 letters, digits, - and _",
    ),
    KnownError(
        r"Value '(?P<it>[^']*)' at 'role' failed to satisfy",
        "not the ARN of a role: {it}",
        'role = "arn:aws:iam::123456789012:role/my-role"',
    ),
    KnownError(
        r"Could not unzip uploaded file|InvalidZipFile",
        "AWS could not read the uploaded zip",
        "run the same command again; if it fails again, inspect the zip that lambent build -o FILE writes",
    ),
    KnownError(
        r"Unzipped size must be smaller than (?P<most>262144000) bytes",
        "the app is larger than Lambda's limit of {most} bytes unzipped",
        _SMALLER,
    ),
    KnownError(
        r"Unzipped size must be smaller than (?P<most>\d+) bytes",
        "the app is larger than the {most} bytes unzipped that its layers leave of Lambda's 250 MB",
        _SMALLER_WITH_LAYERS,
    ),
    KnownError(
        r"combined with layers exceeds the maximum allowed size of (?P<most>\d+) bytes",
        "the app and its layers together are larger than Lambda's limit of {most} bytes unzipped",
        _SMALLER_WITH_LAYERS,
    ),
    KnownError(
        r"(?:Zipped size must be smaller than|Request must be smaller than) (?P<most>\d+) bytes"
        r"(?! for the UpdateFunctionConfiguration)",
        "the zip is larger than the {most} bytes that AWS accepts in one request",
        _SMALLER,
    ),
    KnownError(
        r"Request must be smaller than (?P<most>\d+) bytes for the UpdateFunctionConfiguration",
        "the function's configuration, mostly environment variables, is larger than the {most} bytes that AWS accepts",
        _LARGE_VALUES,
    ),
    KnownError(
        r"exceeded the 4KB limit",
        "the environment variables are larger than the 4 KB that AWS accepts",
        _LARGE_VALUES,
    ),
    KnownError(
        r"Reserved keys used in this request: (?P<it>[\w, ]+)",
        "AWS reserves these environment variables for itself: {it}",
        "rename them",
    ),
    KnownError(
        r"'MemorySize' value failed .* less than or equal to (?P<most>\d+)",
        "this account allows functions of at most {most} MB",
        "--memory {most}, or ask AWS for more under Service Quotas: new accounts start with low limits",
    ),
    KnownError(
        r"at 'memorySize' failed .* less than or equal to (?P<most>\d+)",
        "AWS allows at most {most} MB of memory",
        "--memory {most}",
    ),
    KnownError(r"Function already exist: (?P<it>\S+)", "the function {it} exists already", _AGAIN),
    KnownError(
        r"(?i)code storage limit exceeded",
        "this account's code storage in the region is full (75 GB)",
        "delete functions or old versions; keep_versions = 3 keeps fewer versions of this app",
    ),
    KnownError(
        r"Please don't provide ImageUri|packageType Image|PackageType Image",
        "the existing function is a container image, but lambent deploys zips",
        "choose another name with --name",
    ),
    KnownError(
        r"Functions from '(?P<there>[^']+)' are not reachable in this region \('(?P<here>[^']+)'\)",
        "the configuration names a resource in {there}, but this deploy is to {here}",
        "--region {there}, or use a resource in {here}",
    ),
    KnownError(r"resource tag limit", "AWS allows at most 50 tags", "use fewer in tags = { ... }"),
    # zips that are uploaded to S3
    KnownError(
        r"S3 Error Code: NoSuch(?P<it>Key|Bucket)",
        "the uploaded zip is no longer in its bucket",
        "run the same command again: it uploads the zip again",
    ),
    KnownError(
        r"S3 Error Code: PermanentRedirect|bucket is in this region",
        "the bucket for uploads is in another region than the function",
        "set bucket to one in this region, or remove it and lambent creates one",
    ),
    KnownError(
        r"denied by S3|S3 Error Code: AccessDenied", "Lambda may not read the bucket for uploads", "check the bucket's policy"
    ),
    # layers
    KnownError(
        r"Cannot reference more than (?P<most>\d+) layers",
        "a function can have at most {most} layers",
        "use fewer in layers = [...]",
    ),
    KnownError(
        r"Layer version (?P<it>\S+) does not exist",
        "there is no layer {it}",
        "check its region, name and number: aws lambda list-layer-versions --layer-name NAME",
    ),
    KnownError(
        r"Two different versions of the same layer .* function\. (?P<one>\S+) and (?P<other>\S+) are",
        "the configuration names two versions of the same layer: {one} and {other}",
        "remove one from layers = [...]",
    ),
    KnownError(
        r"Layers are not in the same region as the function.* region (?P<it>[\w-]+)",
        "a layer must be in the function's own region, {it}",
        "publish it there, or deploy to the layer's region with --region",
    ),
    # permissions and URLs
    KnownError(
        r"prevented your policy from being created because it would grant public access|BlockPublicPolicy",
        "this account forbids public functions (block public access)",
        "use --auth iam to allow signed requests only, or ask the account's administrator to lift the block",
    ),
    KnownError(
        r"final policy size \((?P<it>\d+)\) is bigger than the limit",
        "the function's resource policy is full ({it} bytes)",
        "remove statements that others added: aws lambda get-policy --function-name NAME --qualifier live",
    ),
    KnownError(
        r"provided principal was invalid", "AWS doesn't know a principal in this statement", "find it with lambent plan"
    ),
    # concurrency
    KnownError(
        r"decreases account's UnreservedConcurrentExecution below its minimum value of \[(?P<least>\d+)\]",
        "the account must keep {least} unreserved executions",
        "lower reserved_concurrency, or ask AWS for more under Service Quotas",
    ),
    KnownError(
        r"ReservedConcurrentExecutions\s+(?P<it>\d+) should not be lower than .* \[(?P<least>\d+)\]",
        "{least} environments are provisioned, but only {it} executions are reserved",
        "set reserved_concurrency = {least} or more, or lower provisioned_concurrency",
    ),
    KnownError(
        r"already Provisioned version|Version is pointed by a Provisioned Concurrency alias",
        "the version itself, or another alias of it, has provisioned concurrency",
        "find it with aws lambda list-provisioned-concurrency-configs --function-name NAME, and delete it",
    ),
    # resources that the function uses
    KnownError(
        r"execution role does not have permissions to call (?P<it>\w+) on EC2",
        "the role may not call {it}, which a function in a VPC needs",
        "attach AWSLambdaVPCAccessExecutionRole to it",
    ),
    KnownError(
        r"(?:subnet|security group|InvalidSubnetID|InvalidSecurityGroup).*(?:does not exist|not found|NotFound)",
        "a subnet or security group doesn't exist in this account and region",
        "check vpc = { subnets = [...], security_groups = [...] }",
    ),
    KnownError(
        r"(?i)\bsnapstart\b.*(?:not supported|is not available)",
        "SnapStart isn't available for this runtime, architecture or region",
        "snapstart = false, or --runtime python3.13",
    ),
    # IAM
    KnownError(
        r"[Cc]annot exceed quota for (?P<it>\w+): (?P<most>\d+)",
        "IAM's limit is reached: {it} is {most}",
        "delete what you don't need, ask AWS for more, or use an existing role: role = ...",
    ),
    KnownError(
        r"Maximum policy size of (?P<most>\d+) bytes exceeded",
        "the permissions together are larger than the {most} bytes that IAM allows",
        "use fewer or broader statements in permissions = [...]",
    ),
    KnownError(
        r"Policy (?P<it>arn:\S+) does not exist or is not attachable",
        "there is no managed policy {it}",
        "check policies = [...]; aws iam list-policies --scope All lists all of them",
    ),
    KnownError(
        r"Syntax errors in policy|contains invalid Json|must be prefaced by a vendor|must be in ARN format|MalformedPolicy",
        "IAM rejected the permissions",
        'permissions = ["s3:GetObject arn:aws:s3:::my-bucket/*"]; lambent plan shows them',
    ),
    # S3
    KnownError(
        r"requested bucket name is not available",
        "the bucket for uploads belongs to someone else",
        'bucket = "one-of-your-buckets"',
    ),
    KnownError(
        r"more buckets than (?:are )?allowed|TooManyBuckets",
        "this account can't have more buckets",
        'bucket = "an-existing-bucket"',
    ),
    # what passes with time
    KnownError(
        r"update is in progress for resource|currently in the following state: Pending",
        "AWS is still working on the function",
        "run the same command again in a moment: it continues from here",
    ),
    KnownError(
        r"Revision Id provided does not match",
        "someone else changed it at the same time",
        _AGAIN,
    ),
    KnownError(r"Function not found: (?P<it>\S+)", "there is no function {it}", f"someone deleted it; {_AGAIN}"),
    # anything else that AWS validates: rules that are newer than this table
    KnownError(
        r"Value '?(?P<it>.*?)'? at '(?P<field>[\w.]+)' failed to satisfy",
        "AWS rejected this value of {field}: {it}",
        "lambent config shows where each value comes from",
    ),
)


def find_known_error(code: str, message: str) -> tuple[str, str] | None:
    """Return what AWS's code and text mean and what to do, or None if they aren't in the table."""
    text = f"{message} ({code})"
    for error in KNOWN_ERRORS:
        if match := re.search(error.pattern, text, re.DOTALL):
            return _fill(error.what, match), _fill(error.hint, match)
    return None


def _fill(text: str, match: re.Match[str]) -> str:
    """Replace group names in braces by the groups. Other braces are TOML's."""
    for name, value in match.groupdict("").items():
        text = text.replace(f"{{{name}}}", value.rstrip("., "))
    return text
