/* SPDX-License-Identifier: ISC */
/* results - probes as status records. */
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

void
result_describe(struct ha_status *status, const struct probe *probe)
{
	const struct target *target = probe->target;

	*status = (struct ha_status){
		.host = target->settings.host ? target->settings.host : "",
		.check = target->name,
		.state = probe->state,
		.ms = probe->ms,
		.target = target->url,
		.msg = probe->msg.data,
		.perf = probe->perf.data,
	};
}

void
results_add(void *context, size_t order, const struct probe *probe)
{
	struct results *results = context;
	struct result *result;

	if (results->count == results->capacity) {
		results->capacity =
		    results->capacity ? 2 * results->capacity : 16;
		results->list = ha_xrealloc(
		    results->list, results->capacity * sizeof(*results->list));
	}
	result = &results->list[results->count++];
	result->order = order;
	result_describe(&result->status, probe);
	/* With --each-address the name goes with the probe. */
	result->status.check = result->check = ha_xstrdup(result->status.check);
	result->status.msg = result->msg = ha_xstrdup(probe->msg.data);
	result->status.perf = result->perf = ha_xstrdup(probe->perf.data);
}

void
results_release(struct results *results)
{
	struct result *result;

	while (results->count) {
		result = &results->list[--results->count];
		free(result->check);
		free(result->msg);
		free(result->perf);
	}
	free(results->list);
	memset(results, 0, sizeof(*results));
}

enum ha_status_state
results_worst(const struct results *results, size_t end)
{
	enum ha_status_state worst = HA_STATUS_OK;
	size_t i, n = 0;

	for (i = 0; i < results->count; i++)
		if (results->list[i].order < end) {
			worst = ha_status_worse(
			    worst, results->list[i].status.state);
			n++;
		}
	return n ? worst : HA_STATUS_UNKNOWN;
}

void
results_write(const struct results *results, struct ha_sweep *sweep)
{
	size_t i;

	for (i = 0; i < results->count; i++)
		ha_sweep_add(
		    sweep, results->list[i].order, &results->list[i].status);
}
