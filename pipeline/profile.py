"""Profiles: what a stage has seen of the values, `profiles/<dataset>/<run_id>/<stage>.json`.

Validate tells of the contract's columns as it has read them (all rows that could be taken apart,
rejected ones included; a merge's are the rows that it replays), write of the output's columns,
partition columns included, enrich of keys that were in no row of a lookup. See docs/adr/0014.

    {"profile_version": 1, "run_id": ..., "dataset": ..., "stage": "validate",
     "rows": 336776, "sampled_rows": 5263,
     "columns": [{"name": ..., "type": "integer", "masked": false,
                  "nulls": 8255, "unreadable": 0, "sample": {...}}]}

`type` is a logical one: `string`, `integer`, `number`, `boolean`, `date`, `timestamp`, `time`; in
the contract also `object` and `array`, in the output also `binary`. `nulls` are rows without a
value, `unreadable` (validate only) rows whose value is none of the type, or cannot be kept in it;
both are of all `rows`. `sample` is of the `sampled_rows` alone (`profile_sample.py`); it holds what
`profile_statistics.py` says, of a masked column only the numbers `values` and `distinct`.

    {"profile_version": 1, ..., "stage": "enrich", "rows": 336776,
     "lookups": [{"name": "planes", "on": ["tailnum"], "masked": false,
                  "matched": 284170, "unmatched": 50094, "missing_key": 2512,
                  "exact": true, "distinct_missing": 718,
                  "top_missing": [[["N725MQ"], 575], ...]}]}

`exact` and the keys are those of `profile_keys.py`. A masked lookup has no `top_missing`; where no
key is missing there is no such profile. Moments are ISO 8601 text, decimals text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pipeline.masking import cause, hidden_columns, told
from pipeline.observability import stage_logger
from pipeline.storage import put_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.profile_columns import ColumnProfiles
    from pipeline.profile_keys import MissingKeys
    from pipeline.stage_context import StageContext

PROFILE_VERSION: Final = 1
_KEYS: Final = "top_missing"


def publish_contract_profile(context: StageContext, columns: ColumnProfiles) -> None:
    """Write the profile of the contract's columns; see `_publish`."""
    _publish(context, lambda: columns.of_contract(context.plan))


def publish_output_profile(context: StageContext, columns: ColumnProfiles) -> None:
    """Write the profile of the output's columns; see `_publish`."""
    _publish(context, lambda: columns.of_output(context.plan))


def publish_lookup_profile(context: StageContext, missing: Mapping[str, MissingKeys]) -> None:
    """Write the profile of the lookups, if keys were in no row of one; see `_publish`."""
    if any(counts.get("unmatched") for counts in context.run.lookups.values()):
        _publish(context, lambda: _of_lookups(context, missing))


def _publish(context: StageContext, found: Callable[[], dict[str, Any]]) -> None:
    """Write a stage's profile over that of an earlier attempt.

    What cannot be made or written is logged and not raised: a run does not fail for a description
    of its values. The log quotes none of masked columns.
    """
    run, plan = context.run, context.plan
    about = {"run_id": run.run_id, "dataset": run.dataset, "stage": context.stage}
    try:
        profile = {"profile_version": PROFILE_VERSION, **about, **found()}
        body = json.dumps(profile, allow_nan=False, separators=(",", ":")).encode()
        put_object(context.output_bucket, run.profile_key(context.stage), body)
    except Exception as error:
        reason = f"{type(error).__name__}: {told(str(error), None, plan)}"
        stage_logger(context.stage).error(
            "profile not written", extra={"reason": reason}, exc_info=cause(error, None, plan)
        )


def _of_lookups(context: StageContext, missing: Mapping[str, MissingKeys]) -> dict[str, Any]:
    """What is told of the lookups, in their order."""
    hidden = hidden_columns(context.plan)
    told_of = []
    for lookup in context.plan.enrich.lookups:
        keys, masked = missing[lookup.name].told(), hidden.hide_lookup(lookup)
        told_of.append(
            {
                "name": lookup.name,
                "on": list(lookup.on),
                "masked": masked,
                **context.run.lookups.get(lookup.name, {}),
                **{name: value for name, value in keys.items() if not masked or name != _KEYS},
            }
        )
    return {"rows": context.rows_in, "lookups": told_of}
