"""What makes the output queryable in Athena: a database, a table per dataset, a workgroup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from constructs import Construct

from infra.catalog.tables import catalog_tables
from infra.keys import data_key
from pipeline.constants import ATHENA_PREFIX
from pipeline.plan import Plan, known_datasets, load_plan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infra.settings import Settings
    from infra.storage import Storage


class Catalog(Construct):
    """The database that queries find the datasets in, and the workgroup that they run in.

    Results lie in the staging bucket, whose lifecycle removes them. Nobody gets a right by it:
    who queries needs rights of their own.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, storage: Storage
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket = storage.output.bucket_name
        self.database_name = database_name(settings.stack_name)
        self._database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description=f"Output of the stack {settings.stack_name}"
            ),
        )
        self.workgroup = athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=settings.stack_name,
            description=f"Queries on the output of the stack {settings.stack_name}",
            # A stack that is deleted takes the history of its queries with it.
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{storage.staging.bucket_name}/{ATHENA_PREFIX}",
                    expected_bucket_owner=Aws.ACCOUNT_ID,
                    encryption_configuration=_encryption(self, settings),
                ),
            ),
        )

    def add_tables(self, plans: Iterable[Plan]) -> None:
        """Add what makes each dataset's output a table of its name.

        Raises
        ------
        InvalidPlanError
            If a column is of a type that Athena has nothing for.
        """
        for plan in plans:
            for table in catalog_tables(plan, database=self.database_name, bucket=self._bucket):
                glue.CfnTable(
                    self,
                    f"Table-{table['name']}",
                    catalog_id=Aws.ACCOUNT_ID,
                    database_name=self._database.ref,
                    table_input=table,
                )


def _encryption(
    scope: Construct, settings: Settings
) -> athena.CfnWorkGroup.EncryptionConfigurationProperty:
    """How the results of queries are encrypted: as all that lies in the buckets."""
    key = data_key(scope, settings)
    return athena.CfnWorkGroup.EncryptionConfigurationProperty(
        encryption_option="SSE_KMS" if key else "SSE_S3", kms_key=key.key_arn if key else None
    )


def database_name(stack_name: str) -> str:
    """Name of a stack's database: Athena takes small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]", "_", stack_name.lower())


def compiled_plans(datasets: Path) -> list[Plan]:
    """Return the plans of the compiled datasets in a folder, by name."""
    return [load_plan(datasets, name) for name in known_datasets(datasets)]
