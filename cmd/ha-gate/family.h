/* SPDX-License-Identifier: ISC */
/*
 * family - which checks are silenced, as they stand behind others that are bad:
 * dep= of the rules, and for what is stale its prober's own sweep.
 *
 * A parent is bad while its level, or its last result alone, is UNKNOWN or CRIT,
 * and it is not stale.  What counts is the far end of a chain of bad ones, the
 * root, which has no bad parent itself; a circle has none, and silences nobody.
 */
#ifndef GATE_FAMILY_H
#define GATE_FAMILY_H

#include "rules.h"
#include "state.h"

/*
 * Set was_silenced, held and behind of all checks, whose rules are set.  Behind
 * a root that is bad by its last result only, so that nobody is told of it, a
 * check is held for as many results of its own as the root's N of M may take.
 * Behind one that is fine again it is held until it has a later result.
 */
void family_silence(const struct state *state, const struct rules *rules);

#endif
