"""Who may do what: every role of the stack against what somebody might want to do with it.

The same table is asked twice: of the policies in the template, for both targets
(`tests/infra/test_matrix.py`), and of the deployed stack, with each role's own credentials
(`tests/end_to_end/test_least_privilege.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipeline.constants import STAGES

SENDER: Final = "sender"
"""The role of the function that sends lineage events, in deployments that name a receiver."""
ROLES: Final = (*STAGES, "machine", "trigger", SENDER)
"""The table's columns: Validate, Clean, Transform, Enrich, Write, the state Machine, the Rule that
starts it, the Sender of lineage events."""

TABLE: Final = """
action                             target                                      V C T E W M R S

s3:GetObject                       <input>/input/probe/                        + . . . . . . .
s3:GetObjectVersion                <input>/input/probe/                        + . . . . . . .
s3:PutObject                       <input>/input/probe/                        . . . . . . . .
s3:DeleteObject                    <input>/input/probe/                        . . . . . . . .
s3:DeleteObjectVersion             <input>/input/probe/                        . . . . . . . .
s3:GetObject                       <input>/lookups/probe/a.csv                 . . . + . . . .
s3:GetObjectVersion                <input>/lookups/probe/a.csv                 . . . + . . . .
s3:PutObject                       <input>/lookups/probe/a.csv                 . . . . . . . .
s3:GetObject                       <input>/elsewhere/a.csv                     . . . . . . . .
s3:ListBucket                      <input>?input/probe/                        + . . . . . . .
s3:ListBucket                      <input>?lookups/probe/                      . . . + . . . .
s3:ListBucket                      <input>?elsewhere/                          . . . . . . . .
s3:ListBucket                      <input>?                                    . . . . . . . .
s3:ListBucketVersions              <input>?input/probe/                        . . . . . . . .

s3:GetObject                       <staging>/runs/r/validate.arrows            . + . . . . . .
s3:GetObject                       <staging>/runs/r/settled.arrows             . + . . . . . .
s3:GetObject                       <staging>/runs/r/clean.arrows               . . + . . . . .
s3:GetObject                       <staging>/runs/r/transform.arrows           . . . + . . . .
s3:GetObject                       <staging>/runs/r/enrich.arrows              . . . . + . . .
s3:PutObject                       <staging>/runs/r/validate.arrows            + . . . . . . .
s3:PutObject                       <staging>/runs/r/settled.arrows             + . . . . . . .
s3:PutObject                       <staging>/runs/r/clean.arrows               . + . . . . . .
s3:PutObject                       <staging>/runs/r/transform.arrows           . . + . . . . .
s3:PutObject                       <staging>/runs/r/enrich.arrows              . . . + . . . .
s3:PutObject                       <staging>/runs/r/write.arrows               . . . . . . . .
s3:AbortMultipartUpload            <staging>/runs/r/clean.arrows               . + . . . . . .
s3:DeleteObject                    <staging>/runs/r/validate.arrows            . . . . . . . .
s3:DeleteObject                    <staging>/runs/r/enrich.arrows              . . . . . . . .
s3:GetObject                       <staging>/athena/probe.csv                  . . . . . . . .
s3:PutObject                       <staging>/athena/probe.csv                  . . . . . . . .
s3:ListBucket                      <staging>?runs/r/                           + . . . . . . .
s3:ListBucket                      <staging>?runs/r/validate.arrows            . + . . . . . .
s3:ListBucket                      <staging>?runs/r/clean.arrows               . . + . . . . .
s3:ListBucket                      <staging>?runs/r/transform.arrows           . . . + . . . .
s3:ListBucket                      <staging>?runs/r/enrich.arrows              . . . . + . . .
s3:ListBucket                      <staging>?runs/                             . . . . . . . .
s3:ListBucket                      <staging>?athena/                           . . . . . . . .
s3:ListBucket                      <staging>?                                  . . . . . . . .

s3:GetObject                       <output>/quarantine/probe/r/validate.jsonl  . . . . . . . .
s3:GetObject                       <output>/quarantine/probe/r/enrich.jsonl    . . . . . . . .
s3:GetObject                       <output>/quarantine/probe/r/validate.rows   + . . . . . . .
s3:GetObject                       <output>/quarantine/probe/r/enrich.rows     + . . . . . . .
s3:PutObject                       <output>/quarantine/probe/r/validate.jsonl  + . . . . . . .
s3:PutObject                       <output>/quarantine/probe/r/clean.jsonl     . + . . . . . .
s3:PutObject                       <output>/quarantine/probe/r/transform.jsonl . . + . . . . .
s3:PutObject                       <output>/quarantine/probe/r/enrich.jsonl    . . . + . . . .
s3:PutObject                       <output>/quarantine/probe/r/validate.rows   + . . . . . . .
s3:PutObject                       <output>/quarantine/probe/r/clean.rows      . + . . . . . .
s3:PutObject                       <output>/quarantine/probe/r/transform.rows  . . + . . . . .
s3:PutObject                       <output>/quarantine/probe/r/enrich.rows     . . . + . . . .
s3:DeleteObject                    <output>/quarantine/probe/r/validate.jsonl  . . . . . . . .
s3:ListBucket                      <output>?quarantine/probe/r/validate.rows   + . . . . . . .
s3:ListBucket                      <output>?quarantine/probe/r/validate.jsonl  . . . . . . . .
s3:ListBucket                      <output>?quarantine/                        . . . . . . . .
s3:GetObject                       <output>/repairs/probe/r/validate.jsonl     . . . . . . . .
s3:PutObject                       <output>/repairs/probe/r/validate.jsonl     + . . . . . . .
s3:PutObject                       <output>/repairs/probe/r/clean.jsonl        . + . . . . . .
s3:PutObject                       <output>/repairs/probe/r/enrich.jsonl       . . . . . . . .
s3:PutObject                       <output>/profiles/probe/r/validate.json     + . . . . . . .
s3:PutObject                       <output>/profiles/probe/r/clean.json        . . . . . . . .
s3:PutObject                       <output>/profiles/probe/r/enrich.json       . . . + . . . .
s3:PutObject                       <output>/profiles/probe/r/write.json        . . . . + . . .
s3:GetObject                       <output>/profiles/probe/r/write.json        . . . . . . . .
s3:DeleteObject                    <output>/profiles/probe/r/write.json        . . . . . . . .

s3:GetObject                       <output>/manifests/probe/s.json             + . . . + . . .
s3:GetObjectVersion                <output>/manifests/probe/s.json             . . . . . . . .
s3:PutObject                       <output>/manifests/probe/s.json             . . . . + . . .
s3:DeleteObject                    <output>/manifests/probe/s.json             . . . . . . . .
s3:DeleteObjectVersion             <output>/manifests/probe/s.json             . . . . . . . .
s3:ListBucket                      <output>?manifests/probe/s.json             + . . . + . . .
s3:ListBucket                      <output>?manifests/                         . . . . . . . .
s3:GetObject                       <output>/pending/probe/s/r.json             . . . . + . . .
s3:PutObject                       <output>/pending/probe/s/r.json             . . . . + . . .
s3:DeleteObject                    <output>/pending/probe/s/r.json             . . . . + . . .
s3:DeleteObjectVersion             <output>/pending/probe/s/r.json             . . . . . . . .
s3:ListBucket                      <output>?pending/probe/s/                   + . . . + . . .
s3:ListBucket                      <output>?pending/                           . . . . . . . .
s3:GetObject                       <output>/processed/probe/s.parquet          . . . . . . . .
s3:PutObject                       <output>/processed/probe/s.parquet          . . . . + . . .
s3:AbortMultipartUpload            <output>/processed/probe/s.parquet          . . . . + . . .
s3:DeleteObject                    <output>/processed/probe/s.parquet          . . . . + . . .
s3:DeleteObjectVersion             <output>/processed/probe/s.parquet          . . . . + . . .
s3:ListBucket                      <output>?processed/                         . . . . . . . .
s3:GetObject                       <output>/reports/probe/r.json               . . . . . . . .
s3:PutObject                       <output>/reports/probe/r.json               . . . . + . . .
s3:DeleteObject                    <output>/reports/probe/r.json               . . . . . . . .
s3:GetObject                       <output>/lineage/probe/r.json               . . . . . . . +
s3:PutObject                       <output>/lineage/probe/r.json               . . . . + . . .
s3:DeleteObject                    <output>/lineage/probe/r.json               . . . . . . . .
s3:ListBucket                      <output>?lineage/probe/r.json               . . . . . . . +
s3:PutObject                       <output>/elsewhere/a.json                   . . . . . . . .
s3:ListBucket                      <output>?                                   . . . . . . . .
s3:DeleteBucket                    <output>                                    . . . . . . . .
s3:GetObject                       <other>/a.csv                               . . . . . . . .
s3:PutObject                       <other>/a.csv                               . . . . . . . .
s3:ListBucket                      <other>?                                    . . . . . . . .
s3:ListAllMyBuckets                *                                           . . . . . . . .

lambda:InvokeFunction              <validate>                                  . . . . . + . .
lambda:InvokeFunction              <clean>                                     . . . . . + . .
lambda:InvokeFunction              <transform>                                 . . . . . + . .
lambda:InvokeFunction              <enrich>                                    . . . . . + . .
lambda:InvokeFunction              <write>                                     . . . . . + . .
lambda:GetFunction                 <write>                                     . . . . . . . .
lambda:UpdateFunctionConfiguration <write>                                     . . . . . . . .
states:StartExecution              <machine>                                   . . . . . . + .
states:ListExecutions              <machine>                                   . . . . . . . .
sqs:SendMessage                    <dead_letters>                              . . . . . + . .
sqs:SendMessage                    <undelivered>                               . . . . . . . +
sqs:ReceiveMessage                 <dead_letters>                              . . . . . . . .
sns:Publish                        <alerts>                                    . . . . . + . .
sns:Subscribe                      <alerts>                                    . . . . . . . .
events:PutEvents                   <bus>                                       . . . . . . . .

logs:PutLogEvents                  <validate.logs>                             + . . . . . . .
logs:PutLogEvents                  <clean.logs>                                . + . . . . . .
logs:PutLogEvents                  <transform.logs>                            . . + . . . . .
logs:PutLogEvents                  <enrich.logs>                               . . . + . . . .
logs:PutLogEvents                  <write.logs>                                . . . . + . . .
logs:CreateLogStream               <write.logs>                                . . . . + . . .
logs:GetLogEvents                  <write.logs>                                . . . . . . . .
logs:CreateLogGroup                <other.logs>                                . . . . . . . .
cloudwatch:PutMetricData           *                                           . . . . . . . .
secretsmanager:ListSecrets         *                                           . . . . . . . .
iam:PutRolePolicy                  <own.role>                                  . . . . . . . .
iam:ListRoles                      *                                           . . . . . . . .
sts:AssumeRole                     <clean.role>                                . . . . . . . .
"""
"""`+` may, `.` may not. A target is an ARN; `bucket?prefix` is a listing by that prefix (`bucket?`:
by none), and what stands in angle brackets is a resource of the stack or, `<other...>`, one that is
not."""


@dataclass(frozen=True)
class Probe:
    """One line of the table: `allowed` are the roles that may do it."""

    action: str
    target: str
    allowed: frozenset[str]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

    @property
    def resource(self) -> str:
        """What the action is done to, in the words of a policy."""
        return self.target.partition("?")[0]

    @property
    def prefix(self) -> str | None:
        """Prefix of a listing; None where there is none."""
        return self.target.partition("?")[2] or None


def _probe(line: str) -> Probe:
    action, target, *cells = line.split()
    marks = dict(zip(ROLES, cells, strict=True))
    assert set(marks.values()) <= {"+", "."}, line
    return Probe(action, target, frozenset(role for role in ROLES if marks[role] == "+"))


PROBES: Final = tuple(_probe(line) for line in TABLE.splitlines()[2:] if line)
