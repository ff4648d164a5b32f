"""The stack: what there is, and who may do what with it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_

from infra.alarms import Alarms
from infra.catalog import Catalog, compiled_plans
from infra.functions import StageFunction
from infra.layers import LAYERS
from infra.messaging import Messaging
from infra.pointers import Pointers
from infra.settings import Settings, Target
from infra.state_machine import PipelineMachine
from infra.storage import Storage, deleting, hiding, listing, reading, writing
from infra.trigger import UploadTrigger
from infra.uncaught import UncaughtFailures
from pipeline import constants as names
from pipeline.constants import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from constructs import Construct


class PipelineStack(Stack):
    """Everything from the input bucket to the alert.

    Parameters
    ----------
    assets
        Folder with the first-party code of each stage's function.
    layers
        Folder of each layer, by name; not looked at for the local target.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        assets: Mapping[str, Path],
        layers: Mapping[str, Path],
    ) -> None:
        local = settings.target is Target.LOCAL
        super().__init__(
            scope,
            settings.stack_name,
            description="Lambda Pipelines: files in S3 through five Lambdas",
            # The local cloud enforces IAM and knows nothing of the bootstrap's publishing roles.
            synthesizer=CliCredentialsStackSynthesizer() if local else None,
        )
        # The CDK repeats in DependsOn what a reference says already.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        self.storage = Storage(self, "Storage", settings=settings)
        self.messaging = Messaging(self, "Messaging", settings=settings)
        self.catalog = Catalog(self, "Catalog", settings=settings, storage=self.storage)
        versions = {} if local else self._layer_versions(layers)
        self.functions = {
            stage: StageFunction(
                self,
                names.state_name(stage),
                stage=stage,
                settings=settings,
                storage=self.storage,
                asset=assets[stage],
                layers=[versions[layer.name] for layer in LAYERS if stage in layer.stages]
                if versions
                else [],
            )
            for stage in STAGES
        }
        pointers = Pointers(self, "Pointers", settings=settings)
        self.machine = PipelineMachine(
            self,
            "Pipeline",
            functions={stage: made.function for stage, made in self.functions.items()},
            messaging=self.messaging,
            pointers=pointers,
            settings=settings,
        ).machine
        UploadTrigger(
            self,
            "Trigger",
            bucket=self.storage.input,
            machine=self.machine,
            undelivered=self.messaging.undelivered_events,
        )
        UncaughtFailures(
            self, "Uncaught", machine=self.machine, messaging=self.messaging, pointers=pointers
        )
        Alarms(self, "Alarms", messaging=self.messaging, pointers=pointers)
        self._datasets = assets[STAGES[-1]] / "datasets"
        self._grant_all_stages()
        self._grant_first_stage()
        self._grant_merges()
        self._grant_lookups()
        self._grant_last_stage()
        self._outputs()

    def add_tables(self) -> None:
        """Make the output of the datasets that the functions carry queryable.

        Raises
        ------
        InvalidPlanError
            If a dataset has a column that Athena has no type for.
        """
        self.catalog.add_tables(compiled_plans(self._datasets))

    def _layer_versions(self, layers: Mapping[str, Path]) -> dict[str, lambda_.LayerVersion]:
        """Layers of the functions, by name."""
        return {
            layer.name: lambda_.LayerVersion(
                self,
                f"{layer.name.capitalize()}Layer",
                description=f"Lambda Pipelines: requirements/layer-{layer.name}.txt",
                code=lambda_.Code.from_asset(str(layers[layer.name])),
                compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
                compatible_architectures=[lambda_.Architecture.ARM_64],
                removal_policy=RemovalPolicy.DESTROY,
            )
            for layer in LAYERS
        }

    def _grant_all_stages(self) -> None:
        """Let each stage read what the one before it staged, stage its own, and set rows aside.

        Those that may put values right leave a record of it.
        """
        output, staging = self.storage.output, self.storage.staging
        for stage in STAGES[:-1]:
            role = self.functions[stage].role
            role.add_to_policy(writing(staging, _staged(stage)))
            role.add_to_policy(writing(output, f"{names.QUARANTINE_PREFIX}*/{stage}.jsonl"))
            if stage in names.REPAIRING_STAGES:
                role.add_to_policy(writing(output, f"{names.REPAIRS_PREFIX}*/{stage}.jsonl"))
        for previous, stage in pairwise(STAGES):
            role = self.functions[stage].role
            role.add_to_policy(reading(staging, _staged(previous)))
            role.add_to_policy(listing(staging, names.STAGING_PREFIX))

    def _grant_first_stage(self) -> None:
        """Let the first stage read the input, and all that tells what became of it before.

        That is the manifest, notes of unfinished commits, rejected rows to be replayed, and staged
        frames to be taken up.
        """
        role = self.functions[STAGES[0]].role
        output, staging = self.storage.output, self.storage.staging
        role.add_to_policy(reading(self.storage.input, f"{names.INPUT_PREFIX}*"))
        role.add_to_policy(listing(self.storage.input, names.INPUT_PREFIX))
        for prefix in (names.MANIFEST_PREFIX, names.QUARANTINE_PREFIX):
            role.add_to_policy(reading(output, f"{prefix}*"))
        role.add_to_policy(
            listing(output, names.MANIFEST_PREFIX, names.PENDING_PREFIX, names.QUARANTINE_PREFIX)
        )
        role.add_to_policy(listing(staging, names.STAGING_PREFIX))

    def _grant_merges(self) -> None:
        """Let the first stage set rows aside that a merge must not repeat, and the second see."""
        settled = _staged(names.SETTLED_FRAME)
        self.functions[STAGES[0]].role.add_to_policy(writing(self.storage.staging, settled))
        self.functions[STAGES[1]].role.add_to_policy(reading(self.storage.staging, settled))

    def _grant_lookups(self) -> None:
        """Let enrich find and read the tables that lie in the input bucket."""
        role = self.functions[names.LOOKUP_STAGE].role
        role.add_to_policy(reading(self.storage.input, f"{names.LOOKUPS_PREFIX}*"))
        role.add_to_policy(listing(self.storage.input, names.LOOKUPS_PREFIX))

    def _grant_last_stage(self) -> None:
        """Let the last stage publish data, report and manifest, and remove what it replaced."""
        role = self.functions[STAGES[-1]].role
        output = self.storage.output
        for prefix in (names.PROCESSED_PREFIX, names.MANIFEST_PREFIX, names.PENDING_PREFIX):
            role.add_to_policy(reading(output, f"{prefix}*"))
            role.add_to_policy(writing(output, f"{prefix}*"))
        role.add_to_policy(writing(output, f"{names.REPORT_PREFIX}*"))
        role.add_to_policy(deleting(output, f"{names.PROCESSED_PREFIX}*"))
        role.add_to_policy(hiding(output, f"{names.PENDING_PREFIX}*"))
        role.add_to_policy(
            listing(output, names.MANIFEST_PREFIX, names.PENDING_PREFIX, names.PROCESSED_PREFIX)
        )

    def _outputs(self) -> None:
        """Tell the command line where things are."""
        values = {
            names.OUTPUT_INPUT_BUCKET: self.storage.input.bucket_name,
            names.OUTPUT_OUTPUT_BUCKET: self.storage.output.bucket_name,
            names.OUTPUT_STAGING_BUCKET: self.storage.staging.bucket_name,
            names.OUTPUT_STATE_MACHINE_ARN: self.machine.state_machine_arn,
            names.OUTPUT_DEAD_LETTER_QUEUE_URL: self.messaging.dead_letters.queue_url,
            names.OUTPUT_UNDELIVERED_EVENTS_QUEUE_URL: self.messaging.undelivered_events.queue_url,
            names.OUTPUT_ALERT_TOPIC_ARN: self.messaging.alerts.topic_arn,
            names.OUTPUT_QUERY_DATABASE: self.catalog.database_name,
            names.OUTPUT_QUERY_WORKGROUP: self.catalog.workgroup.ref,
        }
        for name, value in values.items():
            CfnOutput(self, name, value=value)


def _staged(stage: str) -> str:
    """Pattern of the keys under which `stage` hands its rows on."""
    return f"{names.STAGING_PREFIX}*/{stage}.arrows"
