"""The stack: what there is, and how the parts are put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from infra.alarms.alarms import Alarms
from infra.alarms.rule import Watched
from infra.catalog.catalog import Catalog, compiled_plans
from infra.compliance.acknowledgements import acknowledge_checkov
from infra.dashboard.dashboard import Dashboard
from infra.functions import StageFunction
from infra.grants import grant_storage
from infra.keys import grant_key
from infra.lineage import LineageSender
from infra.machine.machine import PipelineMachine
from infra.machine.uncaught import UncaughtFailures
from infra.messaging import Messaging
from infra.packaging.layers import LAYERS
from infra.pointers import Pointers
from infra.settings import Settings, Target
from infra.storage import Storage
from infra.trigger import UploadTrigger
from pipeline import constants as names
from pipeline.constants import STAGES
from pipeline.plan import known_datasets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aws_cdk import aws_events as events
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
            termination_protection=settings.termination_protection,
        )
        # The CDK repeats in DependsOn what a reference says already.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
        self.storage = Storage(self, "Storage", settings=settings)
        self.messaging = Messaging(self, "Messaging", settings=settings)
        self.catalog = Catalog(self, "Catalog", settings=settings, storage=self.storage)
        self.functions = self._stages(settings, assets, {} if local else layers)
        pointers = Pointers(self, "Pointers", settings=settings)
        self.machine = PipelineMachine(
            self,
            "Pipeline",
            functions={stage: made.function for stage, made in self.functions.items()},
            messaging=self.messaging,
            pointers=pointers,
            settings=settings,
        ).machine
        trigger = UploadTrigger(
            self,
            "Trigger",
            bucket=self.storage.input,
            machine=self.machine,
            undelivered=self.messaging.undelivered_events,
        )
        uncaught = UncaughtFailures(
            self, "Uncaught", machine=self.machine, messaging=self.messaging, pointers=pointers
        )
        self._datasets = assets[STAGES[-1]] / "datasets"
        self._watch(settings, pointers, uploads=trigger.rule, endings=uncaught.rules)
        if settings.lineage:
            LineageSender(
                self,
                "Lineage",
                settings=settings,
                lineage=settings.lineage,
                storage=self.storage,
                messaging=self.messaging,
                asset=assets[names.LINEAGE_FUNCTION],
            )
        roles = {stage: made.role for stage, made in self.functions.items()}
        grant_storage(roles, self.storage)
        grant_key(settings, roles=roles, storage=self.storage, machine=self.machine)
        self._hold_roles(settings)
        for tag, value in settings.all_tags.items():
            Tags.of(self).add(tag, value)
        acknowledge_checkov(self, settings)
        self._outputs(settings)

    def add_tables(self) -> None:
        """Make the output of the datasets that the functions carry queryable.

        Raises
        ------
        InvalidPlanError
            If a dataset has a column that Athena has no type for.
        """
        self.catalog.add_tables(compiled_plans(self._datasets))

    def _stages(
        self, settings: Settings, assets: Mapping[str, Path], layers: Mapping[str, Path]
    ) -> dict[str, StageFunction]:
        """Function of each stage; without layers it finds all packages where it runs."""
        versions = self._layer_versions(layers) if layers else {}
        return {
            stage: StageFunction(
                self,
                names.state_name(stage),
                stage=stage,
                settings=settings,
                storage=self.storage,
                asset=assets[stage],
                layers=[
                    versions[layer.name] for layer in LAYERS if versions and stage in layer.stages
                ],
            )
            for stage in STAGES
        }

    def _watch(
        self,
        settings: Settings,
        pointers: Pointers,
        *,
        uploads: events.Rule,
        endings: Sequence[events.Rule],
    ) -> None:
        """Raise alarms on what goes wrong, and draw how everything goes."""
        functions = {stage: made.function for stage, made in self.functions.items()}
        alarms = Alarms(
            self,
            "Alarms",
            watched=Watched(
                messaging=self.messaging,
                machine=self.machine,
                functions=functions,
                uploads=uploads,
                endings=endings,
            ),
            pointers=pointers,
            settings=settings,
        )
        Dashboard(
            self,
            "Overview",
            settings=settings,
            datasets=known_datasets(self._datasets),
            functions=self.functions,
            machine=self.machine,
            messaging=self.messaging,
            uploads=uploads,
            alarms=alarms.all,
            pointers=pointers,
        )

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

    def _hold_roles(self, settings: Settings) -> None:
        """Put the permissions boundary, a policy by name or ARN, on every role."""
        given = settings.permissions_boundary
        if given is None:
            return
        found = (
            iam.ManagedPolicy.from_managed_policy_arn
            if given.startswith("arn:")
            else iam.ManagedPolicy.from_managed_policy_name
        )
        iam.PermissionsBoundary.of(self).apply(found(self, "PermissionsBoundary", given))

    def _outputs(self, settings: Settings) -> None:
        """Tell the command line where things are, and what it counts by."""
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
            names.OUTPUT_METRICS_DETAIL: settings.metrics,
        }
        for name, value in values.items():
            CfnOutput(self, name, value=value)
