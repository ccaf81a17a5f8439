"""What AWS says about a user's mistakes and about an account's limits, in our words. Pure.

The texts were recorded from AWS (tests/recordings) where that was possible, or are as users reported them. Most of these are
caught before any call; what stands here is for the rest, and for rules that AWS changes.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Mistake(Struct, frozen=True):
    """A text of AWS's (a pattern), what it means, and what to do. Named groups of the pattern may stand in both."""

    pattern: str
    what: str
    hint: str


AGAIN = "run the same command again: it looks anew"
SMALLER = "leave files out with exclude = [...], or use fewer dependencies; lambent build shows what takes the room"

KNOWN: tuple[Mistake, ...] = (
    # the function and its code
    Mistake(
        r"runtime parameter of (?P<it>\S+) is no longer supported",
        "{it} is no longer supported by AWS for new or changed functions",
        "choose a newer one with --runtime, such as --runtime python3.13",
    ),
    Mistake(
        r"Value (?P<it>\S+) at 'runtime' failed to satisfy",
        "AWS does not know the runtime {it} in this region",
        "choose one of AWS's with --runtime, such as --runtime python3.13",
    ),
    Mistake(
        r"Value '(?P<it>[^']*)' at 'functionName' failed to satisfy",
        "AWS does not take this name for a function: {it}",
        "--name NAME, of 1 to 56 letters, digits, - and _",
    ),
    Mistake(
        r"Value '(?P<it>[^']*)' at 'role' failed to satisfy",
        "not the ARN of a role: {it}",
        'role = "arn:aws:iam::123456789012:role/my-role"',
    ),
    Mistake(
        r"Could not unzip uploaded file|InvalidZipFile",
        "AWS could not read the zip that was uploaded",
        "run the same command again; if it stays, lambent build -o FILE makes the zip to look at",
    ),
    Mistake(
        r"Unzipped size must be smaller than (?P<most>262144000) bytes",
        "the app is larger than Lambda takes: {most} bytes unzipped",
        SMALLER,
    ),
    Mistake(
        r"Unzipped size must be smaller than (?P<most>\d+) bytes",
        "the app is larger than what its layers leave of Lambda's 250 MB: {most} bytes unzipped",
        SMALLER + ", or fewer layers",
    ),
    Mistake(
        r"combined with layers exceeds the maximum allowed size of (?P<most>\d+) bytes",
        "the app and its layers together are larger than Lambda takes: {most} bytes unzipped",
        SMALLER + ", or fewer layers",
    ),
    Mistake(
        r"Zipped size must be smaller than (?P<most>\d+) bytes",
        "the zip is larger than AWS takes in one request: {most} bytes",
        SMALLER,
    ),
    Mistake(
        r"Request must be smaller than (?P<most>\d+) bytes for the (?:Create|UpdateFunctionCode)",
        "the zip is larger than AWS takes in one request: {most} bytes",
        SMALLER,
    ),
    Mistake(
        r"Request must be smaller than (?P<most>\d+) bytes for the UpdateFunctionConfiguration",
        "the function's configuration is larger than AWS takes: {most} bytes, most of it environment variables",
        "keep large values in a file of the project, or in SSM or S3",
    ),
    Mistake(
        r"exceeded the 4KB limit",
        "the environment variables are more than the 4 KB that AWS allows",
        "keep large values in a file of the project, or in SSM or S3",
    ),
    Mistake(
        r"Reserved keys used in this request: (?P<it>[\w, ]+)",
        "AWS keeps these environment variables for itself: {it}",
        "rename them",
    ),
    Mistake(
        r"'MemorySize' value failed .* less than or equal to (?P<most>\d+)",
        "this account may have functions of at most {most} MB",
        "--memory {most}, or ask AWS for more under Service Quotas: new accounts begin with little",
    ),
    Mistake(
        r"at 'memorySize' failed .* less than or equal to (?P<most>\d+)",
        "AWS allows at most {most} MB of memory",
        "--memory {most}",
    ),
    Mistake(r"Function already exist: (?P<it>\S+)", "there is a function {it} already", AGAIN),
    Mistake(
        r"(?i)code storage limit exceeded",
        "this account's code storage in the region is full (75 GB)",
        "delete functions or old versions; keep_versions = 3 keeps fewer of this app",
    ),
    Mistake(
        r"Please don't provide ImageUri|packageType Image|PackageType Image",
        "the function that is there is a container image, and lambent makes zips",
        "choose another name with --name",
    ),
    Mistake(
        r"Functions from '(?P<there>[^']+)' are not reachable in this region \('(?P<here>[^']+)'\)",
        "something of {there} is named, and this is {here}",
        "--region {there}, or name one of {here}",
    ),
    Mistake(r"resource tag limit", "AWS allows at most 50 tags", "tags = { ... } with fewer"),
    # the zip's way through S3
    Mistake(
        r"S3 Error Code: NoSuch(?P<it>Key|Bucket)",
        "the uploaded zip is not in its bucket any more",
        "run the same command again: it uploads anew",
    ),
    Mistake(
        r"S3 Error Code: PermanentRedirect|bucket is in this region",
        "the bucket for uploads is in another region than the function",
        "bucket = a bucket of this region, or none: lambent makes one",
    ),
    Mistake(
        r"denied by S3|S3 Error Code: AccessDenied", "Lambda may not read the bucket for uploads", "look at the bucket's policy"
    ),
    # layers
    Mistake(
        r"Cannot reference more than (?P<most>\d+) layers", "a function has at most {most} layers", "layers = [...] with fewer"
    ),
    Mistake(
        r"Layer version (?P<it>\S+) does not exist",
        "there is no layer {it}",
        "look at its region, name and number: aws lambda list-layer-versions --layer-name NAME",
    ),
    Mistake(
        r"Two different versions of the same layer .* function\. (?P<one>\S+) and (?P<other>\S+) are",
        "two versions of one layer are asked for: {one} and {other}",
        "leave one out of layers = [...]",
    ),
    Mistake(
        r"Layers are not in the same region as the function.* region (?P<it>[\w-]+)",
        "a layer must be of the function's own region, {it}",
        "publish it there, or choose the layer's region with --region",
    ),
    # permissions and URLs
    Mistake(
        r"prevented your policy from being created because it would grant public access|BlockPublicPolicy",
        "this account forbids functions that anyone may call (block public access)",
        "--auth iam lets signed requests in; whoever keeps the account can lift the block",
    ),
    Mistake(
        r"final policy size \((?P<it>\d+)\) is bigger than the limit",
        "the function's resource policy is full ({it} bytes)",
        "remove statements that others added: aws lambda get-policy --function-name NAME --qualifier live",
    ),
    Mistake(r"provided principal was invalid", "AWS does not know that principal", "look for it in the plan: lambent plan"),
    # concurrency
    Mistake(
        r"decreases account's UnreservedConcurrentExecution below its minimum value of \[(?P<least>\d+)\]",
        "the account must keep {least} executions that are reserved for nobody",
        "lower reserved_concurrency, or ask AWS for more under Service Quotas",
    ),
    Mistake(
        r"ReservedConcurrentExecutions\s+(?P<it>\d+) should not be lower than .* \[(?P<least>\d+)\]",
        "{least} environments are provisioned, and only {it} executions reserved",
        "reserved_concurrency = {least} or more, or fewer in provisioned_concurrency",
    ),
    Mistake(
        r"already Provisioned version|Version is pointed by a Provisioned Concurrency alias",
        "provisioned concurrency was given to the version itself, or to another alias of it",
        "aws lambda list-provisioned-concurrency-configs --function-name NAME shows where; delete that",
    ),
    # the world around a function
    Mistake(
        r"execution role does not have permissions to call (?P<it>\w+) on EC2",
        "the role may not {it}, which a function in a VPC needs",
        "attach AWSLambdaVPCAccessExecutionRole to it",
    ),
    Mistake(
        r"(?:subnet|security group|InvalidSubnetID|InvalidSecurityGroup).*(?:does not exist|not found|NotFound)",
        "a subnet or security group is not there, in this account and region",
        "look at vpc = { subnets = [...], security_groups = [...] }",
    ),
    Mistake(
        r"(?i)\bsnapstart\b.*(?:not supported|is not available)",
        "SnapStart is not to be had with this runtime, machine or region",
        "snapstart = false, or --runtime python3.13",
    ),
    # IAM
    Mistake(
        r"[Cc]annot exceed quota for (?P<it>\w+): (?P<most>\d+)",
        "IAM allows no more: {it} is {most}",
        "delete what is not needed, ask AWS for more, or name a role of your own: role = ...",
    ),
    Mistake(
        r"Maximum policy size of (?P<most>\d+) bytes exceeded",
        "the permissions together are more than the {most} bytes that IAM allows",
        "permissions = [...] with fewer or wider statements",
    ),
    Mistake(
        r"Policy (?P<it>arn:\S+) does not exist or is not attachable",
        "there is no managed policy {it}",
        "look at policies = [...]: aws iam list-policies --scope All",
    ),
    Mistake(
        r"Syntax errors in policy|contains invalid Json|must be prefaced by a vendor|must be in ARN format|MalformedPolicy",
        "IAM does not take the permissions as they are",
        'permissions = ["s3:GetObject arn:aws:s3:::my-bucket/*"]; lambent plan shows them',
    ),
    # S3
    Mistake(
        r"requested bucket name is not available",
        "the bucket for uploads belongs to somebody else",
        'bucket = "a-bucket-of-yours"',
    ),
    Mistake(
        r"more buckets than (?:are )?allowed|TooManyBuckets",
        "this account may have no more buckets",
        'bucket = "one-that-is-there"',
    ),
    # what time mends
    Mistake(
        r"update is in progress for resource|currently in the following state: Pending",
        "AWS is still at work on the function",
        "run the same command again in a moment: it goes on from here",
    ),
    Mistake(
        r"Revision Id provided does not match",
        "somebody else changed it meanwhile",
        AGAIN,
    ),
    Mistake(r"Function not found: (?P<it>\S+)", "there is no function {it}", f"somebody deleted it; {AGAIN}"),
    # whatever else AWS checks: rules that are younger than this table
    Mistake(
        r"Value '?(?P<it>.*?)'? at '(?P<field>[\w.]+)' failed to satisfy",
        "AWS does not take this as {field}: {it}",
        "lambent config shows where each value comes from",
    ),
)


def known(code: str, message: str) -> tuple[str, str] | None:
    """What it means and what to do, for a code and a text of AWS's; None for those that are not in the table."""
    text = f"{message} ({code})"
    for mistake in KNOWN:
        if found := re.search(mistake.pattern, text, re.DOTALL):
            return _filled(mistake.what, found), _filled(mistake.hint, found)
    return None


def _filled(text: str, found: re.Match[str]) -> str:
    """With the groups in place of their names in braces; other braces are TOML's."""
    for name, value in found.groupdict("").items():
        text = text.replace(f"{{{name}}}", value.rstrip("., "))
    return text
