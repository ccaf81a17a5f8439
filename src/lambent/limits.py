"""AWS's limits, each with its source. Sizes are in bytes unless the name has another unit.

Sources: [quotas] https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; [recorded] error texts
recorded from AWS, in `tests/recordings/`; [model] botocore's service model.
"""

from __future__ import annotations

MIB = 1024 * 1024

MEMORY_MIN_MB = 128  # [model]
MEMORY_MAX_MB = 10240  # [quotas]; the model allows 32768, for Managed Instances only
MEMORY_DEFAULT_MB = 128  # AWS's own default [recorded]
TIMEOUT_MIN_S = 1  # [model]
TIMEOUT_MAX_S = 1800  # [model], 900 until November 2026; Managed Instances may take 5400
TIMEOUT_DEFAULT_S = 3  # [recorded]
TMP_MIN_MB = 512  # [model]
TMP_MAX_MB = 10240  # [quotas]

ZIP_DIRECT_MAX = 50 * MIB  # "Zipped size must be smaller than 52428800 bytes" [recorded]
UNZIPPED_MAX = 250 * MIB  # "Unzipped size must be smaller than 262144000 bytes" [recorded]
CREATE_REQUEST_MAX = 70_167_211  # "Request must be smaller than 70167211 bytes for the CreateFunction operation" [recorded]
PAYLOAD_MAX = 6 * MIB + 100  # 6291556, requests and buffered responses [recorded]
STREAM_MAX = 200 * MIB  # a streamed response; 20 MB until 2025 [docs: configuration-response-streaming]
ASYNC_PAYLOAD_MAX = 1 * MIB  # [quotas], 256 KB until late 2025
ENV_MAX = 4096  # the JSON text of the map [recorded]
LAYERS_MAX = 5  # [recorded]
TAGS_MAX = 50  # [recorded]
CORS_MAX_AGE_S = 86_400  # of a Function URL [model]
NAME_MAX = 64  # a function's name [recorded], a role's name [model iam]
INLINE_MAX = 10_240  # characters of all inline policies of a role, without white space [iam quotas]
INIT_MAX_S = 10  # on-demand init; AWS then repeats it within the function's timeout [quotas]
LOG_TAIL = 4096  # LogType=Tail returns the last 4 KB of the log [model]
FILE_DESCRIPTORS = 1024  # [quotas]

RESERVED_ENVIRONMENT = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ]
)
"""Variables that Lambda sets itself and refuses in a function's configuration.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""
