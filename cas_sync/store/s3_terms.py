"""Reads what a bucket on S3 does by itself: its lifecycle rules and its versioning.

Amazon S3 API Reference, GetBucketLifecycleConfiguration and GetBucketVersioning. A server
that does not know them has no such rules.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from cas_sync.store.s3_errors import code_of, status_of
from cas_sync.store.terms import Rule

_ASLEEP = {"GLACIER", "DEEP_ARCHIVE"}
"""Storage classes whose objects cannot be read before they are restored."""

T = TypeVar("T")


def rules_of(client: Any, bucket: str, below: str) -> tuple[Rule, ...] | None:
    """Return the rules about keys that start with ``below``; `None` if we may not know."""

    def ask() -> tuple[Rule, ...]:
        told = client.get_bucket_lifecycle_configuration(Bucket=bucket)
        return tuple(_rules(told.get("Rules", ()), below))

    return _asked(ask, tuple[Rule, ...]())


def keeps_versions(client: Any, bucket: str) -> bool | None:
    """Return whether deleted and replaced objects are kept; `None` if we may not know."""

    def ask() -> bool:
        return bool(client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled")

    return _asked(ask, False)


def _asked(ask: Callable[[], T], nothing: T) -> T | None:
    try:
        return ask()
    except ClientError as error:
        if status_of(error) == 403:
            return None
        if status_of(error) in (404, 405, 501) and code_of(error) != "NoSuchBucket":
            return nothing
        raise


def _rules(rules: Iterable[Mapping[str, Any]], below: str) -> Iterator[Rule]:
    for each in rules:
        chosen = each.get("Filter") or {}
        chosen = chosen.get("And") or chosen
        prefix = str(each.get("Prefix") or chosen.get("Prefix") or "")
        overlaps = below.startswith(prefix) or prefix.startswith(below)
        # Objects of ours have no tags.
        is_about_tags = bool(chosen.get("Tag") or chosen.get("Tags"))
        if each.get("Status") != "Enabled" or not overlaps or is_about_tags:
            continue
        name, gone = str(each.get("ID", "")), each.get("Expiration") or {}
        if "Days" in gone or "Date" in gone:
            yield Rule(name, deletes=True, what=f"deletes objects {_when(gone)}")
        for move in each.get("Transitions") or ():
            if (kind := str(move.get("StorageClass"))) in _ASLEEP:
                yield Rule(name, deletes=False, what=f"moves objects to {kind} {_when(move)}")


def _when(action: Mapping[str, Any]) -> str:
    if "Days" in action:
        return f"{action['Days']} days after they were written"
    return f"on {str(action.get('Date'))[:10]}"
