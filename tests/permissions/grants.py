"""Every permission on the buckets, by stage: what the template says and what the handlers use.

`<bucket>/pattern` is of objects by their keys, `<bucket>?patterns` of listings by their prefixes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from pipeline.constants import STAGES

READ: Final = {"s3:GetObject"}
READ_VERSIONS: Final = {"s3:GetObject", "s3:GetObjectVersion"}
WRITE: Final = {"s3:PutObject", "s3:AbortMultipartUpload"}
LIST: Final = {"s3:ListBucket"}

GRANTS: Final[dict[str, dict[str, set[str]]]] = {
    stage: {
        f"<output>/quarantine/*/{stage}.jsonl": WRITE,
        f"<output>/quarantine/*/{stage}.rows": WRITE,
        f"<staging>/runs/*/{stage}.arrows": WRITE,
    }
    for stage in STAGES[:-1]
}
GRANTS["validate"] |= {
    "<input>/input/*": READ_VERSIONS,
    "<input>?input/*": LIST,
    "<output>/manifests/*.json": READ,
    "<output>/quarantine/*.rows": READ,
    "<output>?manifests/*.json quarantine/*.rows pending/*/*/": LIST,
    "<output>/repairs/*/validate.jsonl": WRITE,
    "<staging>?runs/*/": LIST,
    "<staging>/runs/*/settled.arrows": WRITE,
}
GRANTS["clean"] |= {
    "<staging>/runs/*/settled.arrows": READ,
    "<output>/repairs/*/clean.jsonl": WRITE,
}
GRANTS["validate"] |= {"<output>/profiles/*/validate.json": WRITE}
GRANTS["enrich"] |= {
    "<input>/lookups/*": READ_VERSIONS,
    "<input>?lookups/*": LIST,
    "<output>/profiles/*/enrich.json": WRITE,
}
GRANTS["write"] = {
    "<output>/manifests/*.json": READ | WRITE,
    "<output>/pending/*.json": READ | WRITE | {"s3:DeleteObject"},
    "<output>?manifests/*.json pending/*.json pending/*/*/": LIST,
    "<output>/processed/*": WRITE | {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "<output>/profiles/*/write.json": WRITE,
    "<output>/reports/*.json": WRITE,
    "<output>/lineage/*.json": WRITE,
}
for previous, stage in pairwise(STAGES):
    frames = [f"runs/*/{previous}.arrows"]
    if stage == "clean":
        frames.append("runs/*/settled.arrows")
    GRANTS[stage] |= {f"<staging>/{frames[0]}": READ, f"<staging>?{' '.join(frames)}": LIST}
