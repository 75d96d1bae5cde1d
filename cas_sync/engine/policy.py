"""What AWS is told that teammates may do: policies by role. docs/design.md, section 5.11."""

from enum import StrEnum
from typing import Any

from cas_sync.errors import UsageError
from cas_sync.store.s3 import split_s3_url


class Role(StrEnum):
    """What somebody does with a store."""

    READER = "reader"
    WRITER = "writer"
    JANITOR = "janitor"


def policy_for(url: str, role: Role) -> dict[str, Any]:
    """Return an IAM policy that allows what a role needs, below one prefix and no more.

    Nobody but a janitor (`gc`, `reset`) may delete: what a writer, or malware in a writer's
    name, replaces or removes stays in the history.

    Args:
        url: Address of a store on S3.
        role: The role.

    Raises:
        UsageError: The store is not on S3.
    """
    if not url.startswith("s3://"):
        raise UsageError(
            f"{url} is not on S3, so no policy of AWS is about it",
            fix="for a shared folder use the rights of its files",
        )
    bucket, prefix = split_s3_url(url)
    below = f"{prefix}/.S3/" if prefix else ".S3/"
    arn = f"arn:aws:s3:::{bucket}"
    objects = ["s3:GetObject"]
    if role is not Role.READER:
        objects.append("s3:PutObject")
    if role is Role.JANITOR:
        objects.append("s3:DeleteObject")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "CasSyncList",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [arn],
                "Condition": {"StringLike": {"s3:prefix": [f"{below}*"]}},
            },
            {
                "Sid": f"CasSync{role.capitalize()}",
                "Effect": "Allow",
                "Action": objects,
                "Resource": [f"{arn}/{below}*"],
            },
        ],
    }
